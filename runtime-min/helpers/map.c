/* SPDX-License-Identifier: MIT
 *
 * map.c - bpf_map_lookup_elem, bpf_map_update_elem, bpf_map_delete_elem. */
#include "dispatch.h"
#include "rt_helpers.h"

RT_FAST void *bpftime_h_map_lookup_elem(rt_map m, void *base, const void *key)
{
	RT_DISPATCH(m, lookup, NULL, m, base, key)
}

RT_FAST static int update(rt_map m, void *base, const void *key, const void *value,
			  uint64_t flags)
{
	RT_DISPATCH(m, update, -RT_EINVAL, m, base, key, value, flags)
}

RT_FAST static int remove_elem(rt_map m, void *base, const void *key)
{
	RT_DISPATCH(m, remove, -RT_EINVAL, m, base, key)
}

RT_FAST uint64_t bpftime_h_map_update_elem(rt_map m, void *base, const void *key,
					   const void *value, uint64_t flags)
{
	return (uint64_t)(int64_t)update(m, base, key, value, flags);
}

RT_FAST uint64_t bpftime_h_map_delete_elem(rt_map m, void *base, const void *key)
{
	return (uint64_t)(int64_t)remove_elem(m, base, key);
}
