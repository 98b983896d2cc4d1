/* SPDX-License-Identifier: MIT */
#include "kinds.h"
#include "rt_helpers.h"

RT_FAST uint64_t bpftime_h_get_stackid(void *ctx, rt_map m, void *base, uint64_t flags)
{
	return bpftime_rt1_get_stackid((uint64_t)ctx, (uint64_t)m, (uint64_t)base, flags);
}

RT_FAST uint64_t bpftime_h_get_stack(void *ctx, void *to, uint64_t bytes, uint64_t flags)
{
	return bpftime_rt1_get_stack((uint64_t)ctx, (uint64_t)to, bytes, flags);
}
