/* SPDX-License-Identifier: MIT
 *
 * timers.h - the timers that this process has started, and the thread that waits for them.
 *
 * In a page that fork() wipes is where this is, so a child has none; all of it is private. */
#ifndef BPFTIME_RUNTIME_TIMERS_H
#define BPFTIME_RUNTIME_TIMERS_H

#include "kinds.h"
#include "timer.h"

enum {
	RT_TIMERS_LOG2 = 16, RT_TIMERS = 1 << RT_TIMERS_LOG2,
	RT_TIMER_SLOT_BITS = 24,	/* of struct rt_timer.armed: which slot; the rest is random */
	RT_TIMER_STACK = 1 << 16, RT_TIMER_TCB = 4096,
};

struct rt_armed {		/* one start that has not ended */
	struct rt_timer *timer;
	rt_map   m;
	void    *base;
	uint64_t armed;		/* what timer->armed is, unless it was ended elsewhere */
	uint64_t at;		/* CLOCK_MONOTONIC, ns */
	uint32_t pos;		/* in heap; of a free slot: the next one + 1 */
	uint32_t reserved;
};

struct rt_timers {
	uint64_t lock;		/* of all but the words that are stored to by one side */
	uint64_t seed, n_arms;
	uint32_t n, n_slots, free;	/* in heap; slots ever used; first free + 1, 0: none */
	uint32_t alive;		/* the thread runs, or will */
	uint32_t stop;		/* it is to end */
	uint32_t tid;		/* of it; the kernel clears it when it is gone */
	uint32_t wake;		/* futex: changes when it is to look again */
	uint32_t tgid, uid, gid;	/* of the process, and when the thread was made */
	uint64_t until;		/* it sleeps until then */
	uint64_t running;	/* the struct rt_timer whose callback runs */
	uint32_t heap[RT_TIMERS];
	struct rt_armed slot[RT_TIMERS];
	char     tcb[RT_TIMER_TCB] __attribute__((aligned(RT_TIMER_TCB)));
	char     stack[RT_TIMER_STACK];
};

#pragma GCC visibility push(hidden)
/* timer_heap.c; the lock is held. */
struct rt_armed *rt_timers_add(struct rt_timers *t);	/* not in the heap yet; NULL: no room */
void rt_timers_put(struct rt_timers *t, struct rt_armed *a);	/* in, or elsewhere after a->at changed */
void rt_timers_remove(struct rt_timers *t, struct rt_armed *a);	/* out, and free */
/* The start that `armed` names, NULL when this process has no such. */
struct rt_armed *rt_timers_find(struct rt_timers *t, const struct rt_timer *timer, uint64_t armed);

/* timer_thread.c: makes the thread unless there is one.  0 or -errno; the lock is held. */
int rt_timers_thread(struct rt_timers *t, uint64_t me);
void rt_timers_wake(struct rt_timers *t);

/* timers.c: what the thread does at its time, the lock is not held. */
void rt_timer_fire(const struct rt_armed *a);
#pragma GCC visibility pop

#endif
