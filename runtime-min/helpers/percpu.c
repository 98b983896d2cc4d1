/* SPDX-License-Identifier: MIT
 *
 * percpu.c - bpf_map_lookup_percpu_elem: the value of a CPU that is named. */
#include "hash.h"
#include "percpu.h"
#include "rt_helpers.h"

/* The value of the same entry that another CPU has. */
RT_INLINE void *same_entry(rt_map m, void *base, uint64_t value, uint32_t cpu)
{
	struct rt_hash_layout l = rt_hash_layout(m);
	char *values = (char *)base + l.values_off;

	return values + cpu * l.block + (value - (uint64_t)values) % l.block;
}

RT_INLINE void *in_hash(rt_map m, void *base, const void *key, uint32_t cpu)
{
	uint32_t b = rt_hash_of(m, base, key);
	struct rt_entry *e;
	uint64_t state, v;
	bool lost;

	e = rt_hash_walk(m, base, b, key, &state, &lost);
	if (rt_likely(e)) {
		rt_hash_touch(m, base, e);
		return rt_hash_cpu_value(m, base, e, cpu);
	}
	v = lost ? bpftime_rt1_hash_find((uint64_t)m, (uint64_t)base, (uint64_t)key) : 0;
	return v ? same_entry(m, base, v, cpu) : NULL;
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
