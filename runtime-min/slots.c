/* SPDX-License-Identifier: MIT
 *
 * slots.c - return slots that a trampoline could not claim by itself: the home slot is
 * taken, or the caller is a hooked function that left by a tail call.  docs/design.md has
 * the protocol, linker/patch/return_x86_64.c the other half.
 *
 * Who may change a slot's state:
 *     free -> claimed                anybody, by a locked operation
 *     claimed -> armed, free         its claimer
 *     armed, examined, chained -> claimed   the stub, when the function returns (a store)
 *     armed -> chained               a trampoline at the same sp (a store), which then
 *                                    overwrites [sp]
 *     armed -> examined -> armed, free      the one examiner, by compare-and-swap
 * So a compare-and-swap from `examined` fails when the frame returned or was chained
 * meanwhile.  From armed until the stub takes over [sp] holds the stub's return point all
 * the time: when it holds anything else, the frame is gone. */
#include "arch/x86_64/sys.h"
#include "init.h"
#include "rt.h"

enum { BACKOFF_MAX = 1 << 16 };
#define SP_MASK ((1ull << RT_SLOT_LINK_SHIFT) - 1 - RT_SLOT_MASK)

__attribute__((visibility("hidden"))) struct rt_slot bpftime_rt1_slots[RT_SLOTS];

static uint32_t examining;	/* one at a time */
static uint32_t backoff;	/* misses to let pass before the next look */
static uint32_t waited;

/* NULL: an ordinary return address. */
static struct rt_slot *slot_of(uint64_t ra, uint64_t sp, uint64_t stubs)
{
	uint32_t i = rt_slot_of(ra, sp, stubs);

	return i < RT_SLOTS ? &bpftime_rt1_slots[i] : NULL;
}

/* Frees the slots that tail calls chained behind a dead frame; the first is named by the
 * return address that the dead frame would have gone to. */
static void free_chain(uint64_t ra, uint64_t sp, uint64_t stubs)
{
	struct rt_slot *s;

	while ((s = slot_of(ra, sp, stubs))) {
		uint64_t st = rt_load(&s->state);

		ra = s->ra;
		if ((st & RT_SLOT_MASK) != RT_SLOT_CHAINED || (st & SP_MASK) != sp)
			return;
		rt_store_release(&s->state, RT_SLOT_FREE);
	}
}

/* Does the word at sp still hold the return point?  The kernel compares, so that a stack
 * which is no longer mapped is no fault; 32 of the 64 bits do, being mistaken only means
 * that the slot stays taken. */
static bool frame_alive(uint64_t sp, uint64_t point)
{
	int64_t r = rt_sys6(SYS_futex, sp, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 0, 0, sp,
			    (uint32_t)point);

	return r != -RT_EAGAIN && r != -RT_EFAULT;
}

static bool examine(struct rt_slot *s, uint64_t stubs)
{
	uint64_t st = rt_load_acquire(&s->state), sp = st & SP_MASK, ra;
	uint64_t exam = (st & ~(uint64_t)RT_SLOT_MASK) | RT_SLOT_EXAMINED;

	if ((st & RT_SLOT_MASK) != RT_SLOT_ARMED || !rt_cas(&s->state, &st, exam))
		return false;
	if (frame_alive(sp, s->point)) {
		rt_cas(&s->state, &exam, st);
		return false;
	}
	ra = s->ra;
	if (!rt_cas(&s->state, &exam, RT_SLOT_FREE))
		return false;
	free_chain(ra, sp, stubs);
	return true;
}

/* Looks at every slot.  Signals are held off: a handler that leaves by longjmp would keep
 * the examiner's seat for ever. */
static bool reclaim(uint64_t stubs)
{
	uint64_t async = RT_ASYNC_SIGNALS, old;
	uint32_t vacant = 0, freed = 0;

	if (waited < backoff) {
		rt_add(&waited, 1);
		return false;
	}
	if (!rt_cas(&examining, &vacant, 1))
		return false;
	rt_sys4(SYS_rt_sigprocmask, SIG_BLOCK, &async, &old, SIGSET_BYTES);
	for (unsigned i = 0; i < RT_SLOTS; i++)
		freed += examine(&bpftime_rt1_slots[i], stubs);
	waited = 0;
	backoff = freed ? 0 : backoff < BACKOFF_MAX ? 2 * backoff + 16 : BACKOFF_MAX;
	rt_store_release(&examining, 0);
	rt_sys4(SYS_rt_sigprocmask, SIG_SETMASK, &old, 0, SIGSET_BYTES);
	return freed != 0;
}

/* Takes slot s for a frame at sp: a free one, or (fresh: [sp] is an ordinary return address
 * that a call has just put there) one of a frame that was at the same place before. */
static bool take(struct rt_slot *s, uint64_t sp, bool fresh, uint64_t stubs)
{
	uint64_t st = rt_load_acquire(&s->state), ra;

	if (!(st & RT_SLOT_CLAIMED))
		return !(__atomic_fetch_or(&s->state, RT_SLOT_CLAIMED, __ATOMIC_ACQ_REL) & RT_SLOT_CLAIMED);
	if (!fresh || (st & RT_SLOT_MASK) != RT_SLOT_ARMED || (st & SP_MASK) != sp)
		return false;
	ra = s->ra;
	if (!rt_cas(&s->state, &st, (uint64_t)RT_SLOT_CLAIMED))
		return false;
	free_chain(ra, sp, stubs);
	return true;
}

static struct rt_slot *take_any(uint64_t sp, bool fresh, uint64_t stubs)
{
	struct rt_slot *home = &bpftime_rt1_slots[rt_slot_home(sp)];

	for (uint32_t i = 0; i < RT_SLOT_REACH; i++)
		if (take(&home[i], sp, fresh, stubs)) {
			home[i].point = stubs + i * RT_STUB_BYTES + RT_STUB_POINT;
			return &home[i];
		}
	return NULL;
}

static uint64_t miss(void)
{
	struct rt_control *c = BPFTIME_REL(struct rt_control, bpftime_rt1_payload.control_rel);

	rt_add(&c->misses, 1);
	return 0;
}

uint64_t rt_slot(uint64_t sp, uint64_t stubs, uint64_t resume)
{
	uint64_t ra = *(const uint64_t *)sp, link = 0;
	struct rt_slot *parent = slot_of(ra, sp, stubs), *s;

	if (sp & RT_SLOT_MASK)
		return miss();
	if (parent)
		link = (rt_load(&parent->state) >> RT_SLOT_LINK_SHIFT) + 1;
	if (link >= RT_SLOT_LINKS)
		return miss();
	s = take_any(sp, !parent, stubs);
	if (!s && reclaim(stubs))
		s = take_any(sp, !parent, stubs);
	if (!s)
		return miss();
	rt_store(&s->state, sp | RT_SLOT_CLAIMED | link << RT_SLOT_LINK_SHIFT);
	s->resume = resume;
	s->ra = ra;
	if (parent)	/* before [sp] changes */
		rt_store_release(&parent->state, rt_load(&parent->state) | RT_SLOT_CHAINED);
	rt_store_release((uint64_t *)sp, s->point);
	rt_store_release(&s->state, sp | RT_SLOT_ARMED | link << RT_SLOT_LINK_SHIFT);
	return s->point - RT_STUB_POINT;
}
