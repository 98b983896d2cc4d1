/* SPDX-License-Identifier: MIT
 *
 * tail_call.c - bpf_tail_call: finds the target; the compiler makes the jump and counts
 * (abi/helpers.h). */
#include "kinds.h"
#include "rt_helpers.h"

RT_FAST void *bpftime_h_tail_call(void *ctx, rt_map m, void *base, uint64_t index, uint64_t type)
{
	uint32_t i = (uint32_t)index, id;	/* as the kernel: the low half counts */

	(void)ctx;
	if (rt_unlikely(i >= m->max_entries))
		return NULL;
	id = rt_load_acquire((const uint32_t *)base + i);
	return rt_likely(id) ? (void *)bpftime_rt1_prog(id, type) : NULL;
}
