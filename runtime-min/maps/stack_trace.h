/* SPDX-License-Identifier: MIT
 *
 * stack_trace.h - layout of a stack_trace map; docs/maps.md has the protocol.
 *
 *     buckets[B], each   struct rt_stack_bucket, then value_size bytes: addresses, or, with
 *                        MAP_F_STACK_BUILD_ID, struct mapfmt_build_id; then zeros */
#ifndef BPFTIME_RUNTIME_STACK_TRACE_H
#define BPFTIME_RUNTIME_STACK_TRACE_H

#include "kinds.h"

struct rt_stack_bucket {
	uint64_t lock;
	uint64_t state;		/* sequence << 1 | live */
	uint32_t hash, n;
};

enum { RT_STACK_DEPTH = 127 };	/* the kernel's perf_event_max_stack */

RT_INLINE uint32_t rt_stack_buckets(rt_map m)
{
	return m->max_entries <= 1 ? 1 : 1u << (32 - __builtin_clz(m->max_entries - 1));
}

RT_INLINE struct rt_stack_bucket *rt_stack_bucket(rt_map m, void *base, uint32_t id)
{
	return (struct rt_stack_bucket *)((char *)base +
					  id * (sizeof(struct rt_stack_bucket) + (uint64_t)m->value_size));
}

#endif
