/* SPDX-License-Identifier: MIT
 *
 * array.c - BPF_MAP_TYPE_ARRAY as programs see it.
 *
 *     value of i = base + i * rt_stride(m),  i < max_entries
 *
 * A value is written in place, as in the kernel. */
#include "kinds.h"
#include "mem.h"

RT_FAST void *rt_array_lookup(rt_map m, void *base, const void *key)
{
	uint32_t i = rt_index(key);

	if (rt_unlikely(i >= m->max_entries))
		return NULL;
	return (char *)base + i * rt_stride(m);
}

RT_FAST int rt_array_update(rt_map m, void *base, const void *key, const void *value,
			    uint64_t flags)
{
	uint32_t i = rt_index(key);
	int r = rt_index_flags(m, i, flags);

	if (rt_unlikely(r))
		return r;
	if (flags & MAP_LOCK)
		return (int)bpftime_rt1_value_put((uint64_t)m, (uint64_t)base,
						  (uint64_t)base + i * rt_stride(m), (uint64_t)value);
	rt_value_in(m, (char *)base + i * rt_stride(m), value);
	return 0;
}

RT_FAST int rt_array_remove(rt_map m, void *base, const void *key)
{
	(void)m, (void)base, (void)key;
	return -RT_EINVAL;
}
