/* SPDX-License-Identifier: MIT
 *
 * arena_user.c - BPF_MAP_TYPE_ARENA as processes see it (kernel/bpf/arena.c). */
#include "arena.h"

#include "mem.h"
#include "rel.h"

enum {
	FLAGS = MAP_F_MMAPABLE | MAP_F_SEGV_ON_FAULT | MAP_F_NO_USER_CONV,
	FREE_BITS = 45, FREE_REGIONS = 1 << 13,	/* of 4 GiB, where programs have little */
	USUAL_LOW = 0x10000000,
};

int rt_arena_check(rt_map m)
{
	uint64_t bytes = (uint64_t)m->max_entries * MAPFMT_ARENA_PAGE;

	if (m->key_size || m->value_size || !m->max_entries || !(m->flags & MAP_F_MMAPABLE) ||
	    m->flags & ~(uint32_t)FLAGS || m->map_extra % MAPFMT_ARENA_PAGE)
		return -RT_EINVAL;
	if (bytes > 1ull << 32)
		return -RT_E2BIG;
	return m->map_extra >> 32 != (m->map_extra + bytes - 1) >> 32 ? -RT_ERANGE : 0;
}

uint64_t rt_arena_size(rt_map m, uint32_t cpus)
{
	(void)cpus;
	return mapfmt_arena_pages(m->max_entries) + (uint64_t)m->max_entries * MAPFMT_ARENA_PAGE;
}

/* Pages of the first contents. */
static uint32_t first_pages(rt_map m)
{
	return m->arena_rel ? (m->init_bytes + MAPFMT_ARENA_PAGE - 1) / MAPFMT_ARENA_PAGE : 0;
}

uint64_t rt_arena_solid(rt_map m)
{
	return MAPFMT_HEADER_BYTES + mapfmt_arena_pages(m->max_entries) +
	       (uint64_t)first_pages(m) * MAPFMT_ARENA_PAGE;
}

/* Where nobody asked for an address: one that has a lower half, so that page 0 is not NULL, and is
 * rarely taken in a process. */
static uint64_t any_start(rt_map m, uint64_t random)
{
	uint64_t room = (1ull << 32) - (uint64_t)m->max_entries * MAPFMT_ARENA_PAGE;

	return 1ull << FREE_BITS | random % FREE_REGIONS << 32 | (room < USUAL_LOW ? room : USUAL_LOW);
}

void rt_arena_format(rt_map m, void *base, uint32_t cpus)
{
	uint64_t *taken = rt_arena_taken(base), *backed = rt_arena_backed(m, base);

	(void)cpus;
	rt_arena(base)->user_start = m->map_extra ? m->map_extra : any_start(m, rt_header(base)->birth);
	for (uint32_t i = 0; i < first_pages(m); i++) {
		taken[i / 64] |= 1ull << i % 64;
		backed[i / 64] |= 1ull << i % 64;
	}
	if (m->arena_rel)
		rt_copy(rt_arena_page(m, base, 0), RT_REL(const void, m->arena_rel), m->init_bytes);
}

int rt_arena_read(rt_map m, void *base, const void *key, void *value, uint64_t flags)
{
	(void)m, (void)base, (void)key, (void)value, (void)flags;
	return -RT_EINVAL;
}

int rt_arena_write(rt_map m, void *base, const void *key, const void *value, uint64_t flags)
{
	(void)m, (void)base, (void)key, (void)value, (void)flags;
	return -RT_EOPNOTSUPP;
}

int rt_arena_next(rt_map m, void *base, const void *key, void *next)
{
	(void)m, (void)base, (void)key, (void)next;
	return -RT_EOPNOTSUPP;
}
