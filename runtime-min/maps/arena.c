/* SPDX-License-Identifier: MIT
 *
 * arena.c - BPF_MAP_TYPE_ARENA has no elements; helpers/arena.c has what programs do with it. */
#include "kinds.h"

RT_FAST void *rt_arena_lookup(rt_map m, void *base, const void *key)
{
	(void)m, (void)base, (void)key;
	return NULL;
}

RT_FAST int rt_arena_update(rt_map m, void *base, const void *key, const void *value, uint64_t flags)
{
	(void)m, (void)base, (void)key, (void)value, (void)flags;
	return -RT_EOPNOTSUPP;
}

RT_FAST int rt_arena_remove(rt_map m, void *base, const void *key)
{
	(void)m, (void)base, (void)key;
	return -RT_EOPNOTSUPP;
}
