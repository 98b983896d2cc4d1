/* SPDX-License-Identifier: MIT
 *
 * queue.c - bpf_map_push_elem, bpf_map_pop_elem, bpf_map_peek_elem: queues, stacks, and
 * Bloom filters. */
#include "kinds.h"
#include "rt_helpers.h"

RT_FAST uint64_t bpftime_h_map_push_elem(rt_map m, void *base, const void *value, uint64_t flags)
{
	if (m->type == MAP_TYPE_bloom_filter)
		return bpftime_rt1_bloom_push((uint64_t)m, (uint64_t)base, (uint64_t)value, flags);
	return bpftime_rt1_queue_push((uint64_t)m, (uint64_t)base, (uint64_t)value, flags);
}

RT_FAST uint64_t bpftime_h_map_pop_elem(rt_map m, void *base, void *value)
{
	return bpftime_rt1_queue_pop((uint64_t)m, (uint64_t)base, (uint64_t)value);
}

RT_FAST uint64_t bpftime_h_map_peek_elem(rt_map m, void *base, void *value)
{
	if (m->type == MAP_TYPE_bloom_filter)
		return bpftime_rt1_bloom_peek((uint64_t)m, (uint64_t)base, (uint64_t)value);
	return bpftime_rt1_queue_peek((uint64_t)m, (uint64_t)base, (uint64_t)value);
}
