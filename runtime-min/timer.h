/* SPDX-License-Identifier: MIT
 *
 * timer.h - struct bpf_timer in a map value (docs/timers.md). */
#ifndef BPFTIME_RUNTIME_TIMER_H
#define BPFTIME_RUNTIME_TIMER_H

#include "rt_base.h"

struct rt_timer {
	uint64_t what;		/* callback id << 32 | clock << 1 | 1; 0: not initialised */
	uint64_t armed;		/* names the start that has not ended; 0: none */
};
enum { RT_TIMER_BYTES = 16 };

/* A function that timers may call: one row for each, in the section bpftime_timers. */
struct rt_timer_fn {
	int32_t  fn_rel;	/* uint64_t fn(const struct bpftime_map *, void *key, void *value) */
	uint32_t id;		/* 0: none */
};

/* The timer ends and is as never initialised. */
RT_INLINE void rt_timer_forget(const struct bpftime_map *m, void *value)
{
	struct rt_timer *t;

	if (!m->timer)
		return;
	t = (struct rt_timer *)((char *)value + m->timer - 1);
	rt_store(&t->what, 0);
	rt_store_release(&t->armed, 0);
}

#endif
