/* SPDX-License-Identifier: MIT
 *
 * timer.c - bpf_timer_*; the work is in runtime-min/timers.c. */
#include "rt_helpers.h"

RT_FAST uint64_t bpftime_h_timer_init(void *timer, const struct bpftime_map *m, void *base,
				      uint64_t flags)
{
	(void)m, (void)base;
	return bpftime_rt1_timer_init((uint64_t)timer, flags);
}

RT_FAST uint64_t bpftime_h_timer_set_callback(void *timer, uint64_t id)
{
	return bpftime_rt1_timer_callback((uint64_t)timer, id);
}

RT_FAST uint64_t bpftime_h_timer_start(void *timer, uint64_t ns, uint64_t flags)
{
	return bpftime_rt1_timer_start((uint64_t)timer, ns, flags);
}

RT_FAST uint64_t bpftime_h_timer_cancel(void *timer)
{
	return bpftime_rt1_timer_cancel((uint64_t)timer);
}
