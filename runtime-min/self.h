/* SPDX-License-Identifier: MIT
 *
 * self.h - who is running: thread id, process id, and the word a lock names its owner by.
 *
 * The thread id is in the thread control block, where libcs keep it.  One page remembers
 * which (thread pointer, tid there) pairs gettid() has confirmed; a child made by fork()
 * finds the page empty (MADV_WIPEONFORK).  Nothing here trusts a pair that was not
 * confirmed in this very process, so thread exit and reused stacks are harmless.  What runs in
 * its parent's memory with its parent's thread pointer (vfork(), clone() with CLONE_VM and
 * without CLONE_SETTLS) counts as its parent.
 *
 *     63          42 41          22 21         0
 *     +-------------+--------------+-----------+
 *     | start time  | pid namespace|    tid    |    docs/maps.md
 *     +-------------+--------------+-----------+ */
#ifndef BPFTIME_RUNTIME_SELF_H
#define BPFTIME_RUNTIME_SELF_H

#include "rt_base.h"

enum { RT_TID_BITS = 22, RT_NS_BITS = 20, RT_START_BITS = 22 };

#define RT_OWNER_TID(w_) ((uint32_t)((w_) & ((1u << RT_TID_BITS) - 1)))
#define RT_OWNER_NS(w_) ((uint32_t)((w_) >> RT_TID_BITS & ((1u << RT_NS_BITS) - 1)))
#define RT_OWNER_START(w_) ((uint32_t)((w_) >> (RT_TID_BITS + RT_NS_BITS)))

/* The same in 32 bits: the tid, where the namespace is in a table of them next to the word (index
 * + 1; 0: unknown), and the low bits of the start time.
 *
 *     31      26 25       22 21         0
 *     | start   | namespace | tid        | */
enum { RT_NS_TABLE = 15, RT_NS_INDEX_BITS = 4, RT_START_LOW_BITS = 6 };

RT_INLINE uint32_t rt_owner_word(uint64_t me, uint32_t ns_index)
{
	return RT_OWNER_TID(me) | ns_index << RT_TID_BITS |
	       RT_OWNER_START(me) << (RT_TID_BITS + RT_NS_INDEX_BITS);
}

enum { RT_SELF_PAIRS = 256, RT_SELF_SHIFT = 17, RT_SELF_INSIDE = 64 };

struct rt_self {
	uint64_t owner_hi;	/* of this process; valid when hi_known is set */
	uint64_t tgid_hi;	/* tgid << 32; valid when tid_off is set */
	uint32_t tid_off;	/* where the tid lies behind the thread pointer; 0: not known */
	uint32_t owner_off;	/* the same, set once owner_hi is known too */
	uint64_t random;	/* state of bpf_get_prandom_u32(); 0: to be seeded */
	uint32_t hi_known, reserved;
	uint64_t nonce;		/* task_storage: tells this process from others; 0: to be made */
	uint64_t timers;	/* struct rt_timers (timers.h), 0: none started yet */
	uint64_t unused;
	uint64_t pair[RT_SELF_PAIRS];	/* confirmed, by tid */
	uint64_t inside[RT_SELF_INSIDE];	/* threads in functions of the program (host.c) */
	char     rest[4096 - 64 - 8 * RT_SELF_PAIRS - 8 * RT_SELF_INSIDE];
};

#pragma GCC visibility push(hidden)
/* A page of its own, so that it can be wiped. */
extern struct rt_self bpftime_rt1_self;

/* Once, before threads use the page: makes it one that fork() wipes.  Where that cannot
 * be had nothing is remembered, and every question is a system call. */
void rt_self_setup(void);
bool rt_self_wiped(void);
#pragma GCC visibility pop

/* Never 0, as a place is that holds no pair. */
RT_INLINE uint64_t rt_self_of(uint64_t tp, uint32_t tid)
{
	return tp << RT_SELF_SHIFT ^ tid;
}

/* Tids are given out one after the other, so the threads of a process share no place for long. */
RT_INLINE uint64_t *rt_self_pair(uint32_t tid)
{
	return &bpftime_rt1_self.pair[tid % RT_SELF_PAIRS];
}

/* Is the running thread's pair confirmed?  *tid is its tid then.  Where there is none (0) the pair is not that of
 * another thread: of such tids as would be needed for it none is remembered (self.c).  off: tid_off or owner_off. */
RT_INLINE bool rt_self_tid(uint32_t off, uint32_t *tid)
{
#ifdef __x86_64__
	uint64_t tp, pair;

	if (rt_unlikely(!off))
		return false;
#ifdef BPFTIME_SANITIZE	/* gcc 12 checks such loads as if they were of the default segment */
	__asm__ volatile("mov %%fs:(%1), %0" : "=r"(*tid) : "r"((uint64_t)off));
	pair = rt_load(rt_self_pair(*tid));
	__asm__ volatile("mov %%fs:0, %0" : "=r"(tp));
#else
	*tid = *(volatile uint32_t __seg_fs *)(uintptr_t)off;
	pair = rt_load(rt_self_pair(*tid));
	tp = *(volatile uint64_t __seg_fs *)0;
#endif
	return rt_likely(pair == rt_self_of(tp, *tid));
#else
	(void)off;
	(void)tid;
	return false;
#endif
}

/* The owner word of the running thread. */
RT_INLINE uint64_t rt_me(void)
{
	uint32_t tid;

	if (rt_unlikely(!rt_self_tid(rt_load_acquire(&bpftime_rt1_self.owner_off), &tid)))
		return bpftime_rt1_owner();
	return rt_load(&bpftime_rt1_self.owner_hi) | tid;
}

#endif
