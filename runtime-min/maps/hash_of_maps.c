/* SPDX-License-Identifier: MIT
 *
 * hash_of_maps.c - BPF_MAP_TYPE_HASH_OF_MAPS as programs see it: they only look maps up. */
#include "outer.h"

RT_FAST void *rt_hash_of_maps_lookup(rt_map m, void *base, const void *key)
{
	return rt_outer_lookup(m, base, key);
}

RT_FAST int rt_hash_of_maps_update(rt_map m, void *base, const void *key, const void *value,
				    uint64_t flags)
{
	(void)m, (void)base, (void)key, (void)value, (void)flags;
	return -RT_EINVAL;
}

RT_FAST int rt_hash_of_maps_remove(rt_map m, void *base, const void *key)
{
	struct bpftime_map h = rt_outer_hash(m);

	return (int)bpftime_rt1_hash_out((uint64_t)&h, (uint64_t)base, (uint64_t)key, 0);
}
