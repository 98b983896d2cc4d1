/* SPDX-License-Identifier: MIT
 *
 * arena.h - layout of an arena; docs/maps.md has the protocol.
 *
 *     base - 4096 + 1024   struct rt_arena
 *     base                 uint64_t taken[w], backed[w]         w = ceil(n / 64), n = max_entries
 *     base + a page's multiple    n pages of RT_ARENA_PAGE bytes
 *
 * Page p is taken when it was given out or reserved, and backed when it can be accessed.  What
 * programs load and store is checked where they do it (compiler/lower/arena.c), by `backed`. */
#ifndef BPFTIME_RUNTIME_ARENA_H
#define BPFTIME_RUNTIME_ARENA_H

#include "kinds.h"
#include "mapfmt.h"

struct rt_arena {
	uint64_t lock;
	uint64_t change;	/* first page << 32 | pages of what is being given out or back; 0: none */
	uint64_t user_start;	/* address of page 0 as programs see it; never changes */
};
_Static_assert(MAPFMT_KIND_OFF + offsetof(struct rt_arena, user_start) == MAPFMT_ARENA_START_OFF,
	       "what the compiler loads");

RT_INLINE struct rt_arena *rt_arena(void *base)
{
	return (struct rt_arena *)((char *)rt_header(base) + MAPFMT_KIND_OFF);
}

RT_INLINE uint64_t *rt_arena_taken(void *base)
{
	return base;
}

RT_INLINE uint64_t *rt_arena_backed(rt_map m, void *base)
{
	return (uint64_t *)((char *)base + mapfmt_arena_backed(m->max_entries));
}

RT_INLINE char *rt_arena_page(rt_map m, void *base, uint32_t page)
{
	return (char *)base + mapfmt_arena_pages(m->max_entries) + (uint64_t)page * MAPFMT_ARENA_PAGE;
}

RT_INLINE bool rt_arena_bit(const uint64_t *bits, uint32_t page)
{
	return rt_load(&bits[page / 64]) >> page % 64 & 1;
}

#pragma GCC visibility push(hidden)
/* Bytes of the file that have space from the start: all up to the pages of the first contents. */
uint64_t rt_arena_solid(rt_map m);
#pragma GCC visibility pop

#endif
