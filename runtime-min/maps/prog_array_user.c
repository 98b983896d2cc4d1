/* SPDX-License-Identifier: MIT
 *
 * prog_array_user.c - BPF_MAP_TYPE_PROG_ARRAY as processes see it: 4-byte program ids. */
#include "kinds.h"

int rt_prog_array_check(rt_map m)
{
	return m->max_entries ? rt_fd_array_check(m, 0) : -RT_EINVAL;
}

uint64_t rt_prog_array_size(rt_map m, uint32_t cpus)
{
	(void)cpus;
	return 4ull * m->max_entries;
}

void rt_prog_array_format(rt_map m, void *base, uint32_t cpus)
{
	(void)m, (void)base, (void)cpus;
}

int rt_prog_array_read(rt_map m, void *base, const void *key, void *value, uint64_t flags)
{
	uint32_t i = rt_index(key), id;

	if (flags)
		return -RT_EINVAL;
	id = i < m->max_entries ? rt_load((uint32_t *)base + i) : 0;
	if (!id)
		return -RT_ENOENT;
	__builtin_memcpy(value, &id, sizeof(id));
	return 0;
}

int rt_prog_array_write(rt_map m, void *base, const void *key, const void *value,
			uint64_t flags)
{
	uint32_t i = rt_index(key), id;

	if (flags)
		return -RT_EINVAL;
	if (i >= m->max_entries)
		return -RT_E2BIG;
	__builtin_memcpy(&id, value, sizeof(id));
	if (!id)
		return -RT_EINVAL;
	rt_store_release((uint32_t *)base + i, id);
	return 0;
}

int rt_prog_array_next(rt_map m, void *base, const void *key, void *next)
{
	(void)base;
	return rt_index_next(m, key, next);
}
