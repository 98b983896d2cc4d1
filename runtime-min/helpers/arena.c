/* SPDX-License-Identifier: MIT
 *
 * arena.c - bpf_arena_alloc_pages, _free_pages, _reserve_pages: any map may be given, only an arena
 * has pages. */
#include "kinds.h"
#include "rt_helpers.h"

RT_FAST uint64_t bpftime_h_arena_alloc_pages(rt_map m, void *base, uint64_t address, uint64_t pages,
					     uint64_t node, uint64_t flags)
{
	if (m->type != MAP_TYPE_arena)
		return 0;
	return bpftime_rt1_arena_alloc((uint64_t)m, (uint64_t)base, address, pages, node, flags);
}

RT_FAST void bpftime_h_arena_free_pages(rt_map m, void *base, uint64_t address, uint64_t pages)
{
	if (m->type == MAP_TYPE_arena)
		bpftime_rt1_arena_free((uint64_t)m, (uint64_t)base, address, pages);
}

RT_FAST uint64_t bpftime_h_arena_reserve_pages(rt_map m, void *base, uint64_t address, uint64_t pages)
{
	if (m->type != MAP_TYPE_arena)
		return rt_int_result(-RT_EINVAL);
	return rt_int_result((int32_t)bpftime_rt1_arena_reserve((uint64_t)m, (uint64_t)base, address, pages));
}
