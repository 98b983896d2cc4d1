/* SPDX-License-Identifier: MIT
 *
 * self.c - asks the kernel who is running, and remembers the answer (self.h). */
#include "self.h"

#include "arch/x86_64/sys.h"
#include "mem.h"
#include "proc.h"

enum {
	ARCH_GET_FS = 0x1003, MADV_WIPEONFORK = 18,
	/* struct pthread of glibc 2.26 and later, of musl 1.1.20 and later; else a scan */
	TID_OFF_GLIBC = 0x2d0, TID_OFF_MUSL = 0x30, TCB_BYTES = 0x400,
};

struct rt_self bpftime_rt1_self __attribute__((aligned(RT_PAGE_BYTES)));

/* Survive fork(), unlike the page. */
static uint32_t wiped;		/* the page is one that fork() wipes */
static uint32_t learnt_off;	/* of the tid, once found */
static uint32_t off_refuted;	/* a scan was fooled: give up */

void rt_self_setup(void)
{
	struct rt_self *s = &bpftime_rt1_self;

	if (rt_load_acquire(&wiped))
		return;
	if (rt_sys6(SYS_mmap, (uint64_t)s, sizeof(*s), PROT_READ_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, (uint64_t)-1, 0) != (int64_t)(uintptr_t)s)
		return;
	if (rt_sys3(SYS_madvise, s, sizeof(*s), MADV_WIPEONFORK))
		return;
	rt_store_release(&wiped, 1);
}

bool rt_self_wiped(void)
{
	return rt_load_acquire(&wiped);
}

static bool tcb_says(const uint8_t *tcb, int64_t have, uint32_t off, uint32_t tid)
{
	return off && off + 4 <= have && RT_LOAD_AT(uint32_t, tcb, off) == tid;
}

/* Offset of a word with the tid in the thread control block, 0 if there is none. */
static uint32_t find_tid(const uint8_t *tcb, int64_t have, uint32_t tid)
{
	if (tcb_says(tcb, have, TID_OFF_GLIBC, tid))
		return TID_OFF_GLIBC;
	if (tcb_says(tcb, have, TID_OFF_MUSL, tid))
		return TID_OFF_MUSL;
	for (uint32_t off = 8; off + 4 <= have; off += 4)
		if (tcb_says(tcb, have, off, tid))
			return off;
	return 0;
}

static bool known_libc(uint32_t off)
{
	return off == TID_OFF_GLIBC || off == TID_OFF_MUSL;
}

/* Confirms the running thread's pair.  Returns the offset, or 0. */
static uint32_t learn(uint32_t tid, uint32_t tgid)
{
	struct rt_self *s = &bpftime_rt1_self;
	uint8_t tcb[TCB_BYTES];
	uint64_t tp = 0;
	uint32_t off = rt_load(&learnt_off);
	int64_t have;

	if (!rt_load_acquire(&wiped) || rt_load(&off_refuted) || !(tid % (1u << RT_SELF_SHIFT)))
		return 0;
	if (rt_sys2(SYS_arch_prctl, ARCH_GET_FS, &tp) || !tp)
		return 0;
	have = rt_read_self(tcb, tp, sizeof(tcb));
	if (have < 8 || RT_LOAD_AT(uint64_t, tcb, 0) != tp)
		return 0;
	if (!off) {
		off = find_tid(tcb, have, tid);
		rt_store(&learnt_off, off);
	} else if (!tcb_says(tcb, have, off, tid)) {
		if (!known_libc(off))
			rt_store(&off_refuted, 1);
		return 0;	/* a child of raw clone(), or not yet set */
	}
	if (!off)
		return 0;
	rt_store(&s->tgid_hi, (uint64_t)tgid << 32);
	rt_store_release(rt_self_pair(tid), rt_self_of(tp, tid));
	rt_store_release(&s->tid_off, off);
	return off;
}

uint64_t rt_pid_tgid(void)
{
	uint32_t tid = (uint32_t)rt_sys0(SYS_gettid), tgid = (uint32_t)rt_sys0(SYS_getpid);

	learn(tid, tgid);
	return (uint64_t)tgid << 32 | tid;
}

uint64_t rt_owner(void)
{
	struct rt_self *s = &bpftime_rt1_self;
	uint32_t tid = (uint32_t)rt_sys0(SYS_gettid), tgid = (uint32_t)rt_sys0(SYS_getpid), off;
	uint64_t hi;

	off = learn(tid, tgid);
	if (!rt_load_acquire(&s->hi_known)) {
		hi = (uint64_t)rt_proc_start(tgid) << (RT_TID_BITS + RT_NS_BITS) |
		     (uint64_t)rt_proc_ns(tgid) << RT_TID_BITS;
		if (!rt_load(&wiped))	/* a child would take it for its own */
			return hi | tid;
		rt_store(&s->owner_hi, hi);
		rt_store_release(&s->hi_known, 1);
	}
	if (off)
		rt_store_release(&s->owner_off, off);
	return rt_load(&s->owner_hi) | tid;
}
