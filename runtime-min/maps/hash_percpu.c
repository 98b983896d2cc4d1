/* SPDX-License-Identifier: MIT
 *
 * hash_percpu.c - values of all CPUs: what hash_slow.c does without where there are none. */
#include "hash_slow.h"

enum { UNIT_MAX = 32768 };	/* PCPU_MIN_UNIT_SIZE */

int rt_hash_percpu_check(rt_map m)
{
	return rt_stride(m) > UNIT_MAX ? -RT_E2BIG : 0;
}

void rt_hash_write_cpus(const struct rt_hash_view *v, uint32_t x, const void *value, uint64_t flags, bool new)
{
	uint32_t cpus = flags & RT_HASH_ALL_CPUS ? rt_map_cpus(v->m, v->base) : 0;

	for (uint32_t c = 0; c < cpus; c++)
		rt_copy_words(rt_hash_cpu_value(v, x, c), (const char *)value + c * v->stride, v->stride);
	if (flags & RT_HASH_ALL_CPUS)
		return;
	if (new)
		rt_hash_zero_cpus(v, x);
	rt_copy_in(rt_hash_cpu_value(v, x, rt_cpu_slot()), value, v->m->value_size);
}

void rt_hash_read_cpus(const struct rt_hash_view *v, uint32_t x, void *value)
{
	uint32_t cpus = rt_map_cpus(v->m, v->base);

	for (uint32_t c = 0; c < cpus; c++)
		rt_copy_words((char *)value + c * v->stride, rt_hash_cpu_value(v, x, c), v->stride);
}
