/* SPDX-License-Identifier: MIT
 *
 * user_ring_slow.c - bpf_user_ringbuf_drain (kernel/bpf/ringbuf.c).
 *
 * Everything in the pages was written by somebody who may be hostile and may still be writing:
 * each word is read once, compared, and then used.  Whoever drains holds the ring's lock, in
 * which the dead are replaced; a sample whose drain was killed is seen again. */
#include "ring_slow.h"

#include "arch/x86_64/sys.h"
#include "helpers.h"
#include "helpers/dynptr.h"
#include "proc.h"

enum { MAX_SAMPLES = 128 << 10, WAKE_ALL = INT32_MAX };

/* Nobody waits for another drain: it may take long. */
static int take(uint64_t *lock, uint64_t me)
{
	uint64_t owner = 0;

	if (rt_cas(lock, &owner, me))
		return 0;
	if (owner != me && rt_owner_dead(owner, me) && rt_cas(lock, &owner, me))
		return 0;
	return -RT_EBUSY;
}

static uint64_t position(void *base)
{
	return rt_load(rt_ring_consumer(base)) & ~(uint64_t)(RT_RING_HDR - 1);
}

/* The oldest sample: its bytes, or -ENOENT (none), -EAGAIN (it was discarded), -EINVAL, -E2BIG. */
static int64_t peek(rt_map m, void *base)
{
	uint64_t prod = rt_load_acquire(rt_ring_producer(base)), cons = position(base), span;
	uint32_t hdr;

	if (prod % RT_RING_HDR)
		return -RT_EINVAL;
	if (cons >= prod)
		return -RT_ENOENT;
	hdr = rt_load_acquire(rt_ring_record(m, base, cons));
	span = rt_ring_span(hdr);
	if (span > prod - cons)
		return -RT_EINVAL;
	if (span > m->max_entries || (hdr & RT_RING_LEN) > RT_DYNPTR_MAX)
		return -RT_E2BIG;
	if (hdr & RT_RING_DISCARD) {
		rt_store_release(rt_ring_consumer(base), cons + span);
		return -RT_EAGAIN;
	}
	return hdr & RT_RING_BUSY ? -RT_ENOENT : (int64_t)(hdr & RT_RING_LEN);
}

/* The ring is somebody else's again; producers that wait for room are woken. */
static uint64_t finish(void *base, const struct helper_drain *at)
{
	struct rt_ring *r = rt_ring(base);

	rt_unlock(&r->lock);
	if (((at->flags & RB_FORCE_WAKEUP) || (!(at->flags & RB_NO_WAKEUP) && at->seen)) &&
	    __atomic_exchange_n(&r->waiting, 0, __ATOMIC_SEQ_CST))
		rt_sys3(SYS_futex, &r->waiting, FUTEX_WAKE, WAKE_ALL);
	return 0;
}

static uint64_t end(struct helper_drain *at, int64_t result)
{
	at->result = (uint64_t)result;
	return 0;
}

uint64_t rt_user_ring_drain(uint64_t map, uint64_t at_base, uint64_t state)
{
	rt_map m = (rt_map)map;
	void *base = (void *)at_base;
	struct helper_drain *at = (struct helper_drain *)state;
	int64_t n = 0;

	if (!at->begun) {
		if (at->flags & ~(uint64_t)(RB_NO_WAKEUP | RB_FORCE_WAKEUP))
			return end(at, -RT_EINVAL);
		if (take(&rt_ring(base)->lock, rt_me()))
			return end(at, rt_busy());
		at->begun = true;
	} else {
		rt_store_release(rt_ring_consumer(base), position(base) + rt_ring_span(at->bytes));
		at->given++;
	}
	while (!at->stop && at->seen < MAX_SAMPLES) {
		n = peek(m, base);
		if (n == -RT_ENOENT)
			break;
		if (n < 0 && n != -RT_EAGAIN) {
			end(at, n);
			return finish(base, at);
		}
		at->seen++;
		if (n < 0)
			continue;
		at->bytes = (uint32_t)n;
		rt_dynptr_set((struct rt_dynptr *)at->dynptr,
			      rt_ring_record(m, base, position(base)) + 2, RT_DYNPTR_LOCAL, (uint32_t)n);
		return 1;
	}
	end(at, at->given);
	return finish(base, at);
}
