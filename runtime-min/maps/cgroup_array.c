/* SPDX-License-Identifier: MIT
 *
 * cgroup_array.c - BPF_MAP_TYPE_CGROUP_ARRAY as programs see it: only
 * bpf_current_task_under_cgroup() looks into it (helpers/task.c).
 *
 *     id(i) = ((uint64_t *)base)[i]; 0 = empty */
#include "kinds.h"

RT_FAST void *rt_cgroup_array_lookup(rt_map m, void *base, const void *key)
{
	(void)m, (void)base, (void)key;
	return NULL;
}

RT_FAST int rt_cgroup_array_update(rt_map m, void *base, const void *key, const void *value,
				   uint64_t flags)
{
	(void)m, (void)base, (void)key, (void)value, (void)flags;
	return -RT_EINVAL;
}

RT_FAST int rt_cgroup_array_remove(rt_map m, void *base, const void *key)
{
	uint32_t i = rt_index(key);

	if (i >= m->max_entries)
		return -RT_E2BIG;
	return __atomic_exchange_n((uint64_t *)base + i, 0, __ATOMIC_ACQ_REL) ? 0 : -RT_ENOENT;
}
