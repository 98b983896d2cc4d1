/* SPDX-License-Identifier: MIT
 *
 * percpu_array.c - BPF_MAP_TYPE_PERCPU_ARRAY as programs see it: the value of this CPU.
 *
 *     value of (i, cpu) = base + cpu * rt_percpu_block(m) + i * rt_stride(m) */
#include "percpu.h"

#include "mem.h"

RT_FAST void *rt_percpu_array_lookup(rt_map m, void *base, const void *key)
{
	uint32_t i = rt_index(key);

	if (rt_unlikely(i >= m->max_entries))
		return NULL;
	return rt_percpu_value(m, base, i, rt_cpu_slot());
}

RT_FAST int rt_percpu_array_update(rt_map m, void *base, const void *key, const void *value,
				   uint64_t flags)
{
	uint32_t i = rt_index(key);
	int r = rt_index_flags(m, i, flags);

	if (rt_unlikely(r))
		return r;
	rt_copy_in(rt_percpu_value(m, base, i, rt_cpu_slot()), value, m->value_size);
	return 0;
}

RT_FAST int rt_percpu_array_remove(rt_map m, void *base, const void *key)
{
	(void)m, (void)base, (void)key;
	return -RT_EINVAL;
}
