/* SPDX-License-Identifier: MIT
 *
 * percpu_array_user.c - BPF_MAP_TYPE_PERCPU_ARRAY as processes see it: a value is those of all
 * CPUs, each in a stride. */
#include "mem.h"
#include "percpu.h"

enum {
	PERCPU_FLAGS = MAP_F_RDONLY | MAP_F_WRONLY | MAP_F_RDONLY_PROG | MAP_F_WRONLY_PROG,
	UNIT_MAX = 32768,	/* PCPU_MIN_UNIT_SIZE */
};

int rt_percpu_array_check(rt_map m)
{
	if (m->key_size != 4 || !m->value_size || !m->max_entries ||
	    m->flags & ~(uint32_t)PERCPU_FLAGS)
		return -RT_EINVAL;
	if (m->value_size > INT32_MAX || rt_stride(m) > UNIT_MAX)
		return -RT_E2BIG;
	return 0;
}

uint64_t rt_percpu_array_size(rt_map m, uint32_t cpus)
{
	return rt_percpu_block(m) * cpus;
}

void rt_percpu_array_format(rt_map m, void *base, uint32_t cpus)
{
	(void)m, (void)base, (void)cpus;
}

int rt_percpu_array_read(rt_map m, void *base, const void *key, void *value, uint64_t flags)
{
	uint32_t i = rt_index(key), cpus = rt_map_cpus(m, base);

	if (flags)
		return -RT_EINVAL;
	if (i >= m->max_entries)
		return -RT_ENOENT;
	for (uint32_t c = 0; c < cpus; c++)
		rt_copy_words((char *)value + c * rt_stride(m), rt_percpu_value(m, base, i, c),
			      rt_stride(m));
	return 0;
}

int rt_percpu_array_write(rt_map m, void *base, const void *key, const void *value,
			  uint64_t flags)
{
	uint32_t i = rt_index(key), cpus = rt_map_cpus(m, base);

	if (flags > MAP_EXIST)
		return -RT_EINVAL;
	if (i >= m->max_entries)
		return -RT_E2BIG;
	if (flags == MAP_NOEXIST)
		return -RT_EEXIST;
	for (uint32_t c = 0; c < cpus; c++)
		rt_copy_words(rt_percpu_value(m, base, i, c),
			      (const char *)value + c * rt_stride(m), rt_stride(m));
	return 0;
}

int rt_percpu_array_next(rt_map m, void *base, const void *key, void *next)
{
	(void)base;
	return rt_index_next(m, key, next);
}
