/* SPDX-License-Identifier: MIT
 *
 * percpu.c - bpf_map_lookup_percpu_elem: the value of a CPU that is named. */
#include "hash.h"
#include "percpu.h"
#include "rt_helpers.h"

/* The value of the same entry that another CPU has. */
RT_INLINE void *same_entry(const struct rt_hash_view *v, uint64_t value, uint32_t cpu)
{
	return rt_hash_cpu_value(v, 0, cpu) + (value - (uint64_t)rt_hash_cpu_value(v, 0, 0)) % v->block;
}

RT_INLINE void *in_hash(rt_map m, void *base, const void *key, uint32_t cpu)
{
	struct rt_hash_view v = rt_hash_view(m, base);
	uint64_t state, value;
	uint32_t x;
	int r = rt_hash_walk(&v, rt_hash_of(&v, key), key, &x, &state);

	if (rt_likely(!r)) {
		rt_hash_touch(&v, x);
		return rt_hash_cpu_value(&v, x, cpu);
	}
	value = r == -RT_EAGAIN ? bpftime_rt1_hash_find((uint64_t)m, (uint64_t)base, (uint64_t)key) : 0;
	return value ? same_entry(&v, value, cpu) : NULL;
}

RT_FAST void *bpftime_h_map_lookup_percpu_elem(rt_map m, void *base, const void *key, uint64_t which)
{
	uint32_t cpu = (uint32_t)which;

	if (cpu >= rt_load(&bpftime_rt1_cpus))
		return NULL;
	if (m->type == MAP_TYPE_percpu_array)
		return rt_index(key) < m->max_entries
			       ? rt_percpu_value(m, base, rt_index(key), cpu) : NULL;
	if (m->type == MAP_TYPE_percpu_hash || m->type == MAP_TYPE_lru_percpu_hash)
		return in_hash(m, base, key, cpu);
	return NULL;
}
