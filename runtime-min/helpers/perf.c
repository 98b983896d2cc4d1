/* SPDX-License-Identifier: MIT */
#include "kinds.h"
#include "rt_helpers.h"

RT_FAST uint64_t bpftime_h_perf_event_output(void *ctx, rt_map m, void *base, uint64_t flags,
					     const void *data, uint64_t bytes)
{
	(void)ctx;
	return bpftime_rt1_perf_output((uint64_t)m, (uint64_t)base, flags, (uint64_t)data, bytes);
}
