/* SPDX-License-Identifier: MIT
 *
 * array_user.c - BPF_MAP_TYPE_ARRAY as processes see it. */
#include "kinds.h"
#include "mem.h"

enum { ARRAY_FLAGS = MAP_F_NUMA_NODE | MAP_F_MMAPABLE | MAP_F_RDONLY | MAP_F_WRONLY |
		     MAP_F_RDONLY_PROG | MAP_F_WRONLY_PROG | MAP_F_INNER_MAP };

int rt_array_check(rt_map m)
{
	if (m->key_size != 4 || !m->value_size || !m->max_entries || m->flags & ~ARRAY_FLAGS)
		return -RT_EINVAL;
	if (m->value_size > INT32_MAX)
		return -RT_E2BIG;
	return 0;
}

uint64_t rt_array_size(rt_map m, uint32_t cpus)
{
	(void)cpus;
	return rt_stride(m) * m->max_entries;
}

void rt_array_format(rt_map m, void *base, uint32_t cpus)
{
	(void)m, (void)base, (void)cpus;
}

int rt_array_read(rt_map m, void *base, const void *key, void *value, uint64_t flags)
{
	void *v = rt_array_lookup(m, base, key);

	if (flags & ~(uint64_t)MAP_LOCK || (flags && !m->lock))
		return -RT_EINVAL;
	if (!v)
		return -RT_ENOENT;
	if (flags)
		return rt_value_get(m, base, value, v);
	rt_value_out(m, value, v);
	return 0;
}

int rt_array_write(rt_map m, void *base, const void *key, const void *value, uint64_t flags)
{
	uint32_t i = rt_index(key);
	int r = rt_index_flags(m, i, flags);

	if (r)
		return r;
	if (m->lock || m->timer)
		return rt_array_update(m, base, key, value, flags);
	rt_copy_words((char *)base + i * rt_stride(m), value, m->value_size);
	return 0;
}

int rt_array_next(rt_map m, void *base, const void *key, void *next)
{
	(void)base;
	return rt_index_next(m, key, next);
}
