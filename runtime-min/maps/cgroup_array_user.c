/* SPDX-License-Identifier: MIT
 *
 * cgroup_array_user.c - BPF_MAP_TYPE_CGROUP_ARRAY as processes see it: ids of cgroups, eight
 * bytes each, where the kernel takes descriptors. */
#include "kinds.h"
#include "rt_maps.h"

int rt_cgroup_array_check(rt_map m)
{
	return m->max_entries ? rt_fd_array_check(m, 0) : -RT_EINVAL;
}

uint64_t rt_cgroup_array_size(rt_map m, uint32_t cpus)
{
	(void)cpus;
	return 8ull * m->max_entries;
}

void rt_cgroup_array_format(rt_map m, void *base, uint32_t cpus)
{
	(void)m, (void)base, (void)cpus;
}

/* Kernel: fd_array_map_lookup_elem() of an array whose elements have no number. */
int rt_cgroup_array_read(rt_map m, void *base, const void *key, void *value, uint64_t flags)
{
	(void)m, (void)base, (void)key, (void)value;
	return flags ? -RT_EINVAL : -RT_ENOTSUPP;
}

uint64_t rt_map_cgroup(rt_map m, const void *base, uint32_t index)
{
	return index < m->max_entries ? rt_load((const uint64_t *)base + index) : 0;
}

/* Kernel: bpf_fd_array_map_update_elem(). */
int rt_cgroup_array_write(rt_map m, void *base, const void *key, const void *value,
			  uint64_t flags)
{
	uint32_t i = rt_index(key);
	uint64_t id;

	if (flags)
		return -RT_EINVAL;
	if (i >= m->max_entries)
		return -RT_E2BIG;
	__builtin_memcpy(&id, value, sizeof(id));
	if (!id)
		return -RT_EBADF;
	rt_store_release((uint64_t *)base + i, id);
	return 0;
}

int rt_cgroup_array_next(rt_map m, void *base, const void *key, void *next)
{
	(void)base;
	return rt_index_next(m, key, next);
}
