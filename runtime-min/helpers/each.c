/* SPDX-License-Identifier: MIT
 *
 * each.c - the next element for bpf_for_each_map_elem; the loop and the call in it are the
 * compiler's.
 *
 * Elements are taken by their place in memory, which they keep while they are in the map.  So
 * one that is there all the time is seen once, whatever the callback and others do meanwhile. */
#include "hash.h"
#include "percpu.h"
#include "rt_helpers.h"

/* The CPU whose values are seen is the one on which it began, as in the kernel, where the program
 * stays there. */
RT_INLINE void begin(struct helper_each *at)
{
	if (!at->next)
		at->cpu = rt_cpu_slot();
}

RT_INLINE void *array_next(rt_map m, void *base, struct helper_each *at)
{
	bool percpu = m->type == MAP_TYPE_percpu_array;

	if (percpu)
		begin(at);
	if (at->next >= m->max_entries)
		return NULL;
	at->index = (uint32_t)at->next++;
	at->key = &at->index;
	return percpu ? rt_percpu_value(m, base, at->index, at->cpu)
		      : (char *)base + at->index * rt_stride(m);
}

/* Is entry x, which looks alive, in the map?  One that is on its way in or out, be it for ever
 * because somebody died, is if a lookup finds it. */
RT_INLINE bool is_there(const struct rt_hash_view *v, uint32_t x, struct rt_entry *e)
{
	uint32_t b = rt_load(&e->home) - 1;

	if (rt_unlikely(b >= v->buckets))
		return false;
	if (rt_likely(rt_load(&rt_hash_bucket(v, b)->pending) != x + 1))
		return true;
	return bpftime_rt1_hash_find((uint64_t)v->m, (uint64_t)v->base, (uint64_t)rt_hash_key(e));
}

RT_INLINE void *hash_next(rt_map m, void *base, struct helper_each *at)
{
	struct rt_hash_view v = rt_hash_view(m, base);

	if (v.percpu)
		begin(at);
	while (at->next < v.entries) {
		uint32_t x = (uint32_t)at->next++;
		struct rt_entry *e = rt_hash_entry(&v, x);
		uint64_t state = rt_load_acquire(&e->state);

		if (!(state & RT_LIVE) || !is_there(&v, x, e))
			continue;
		at->key = rt_hash_key(e);
		return v.percpu ? rt_hash_cpu_value(&v, x, at->cpu) : rt_hash_value(&v, x, state);
	}
	return NULL;
}

RT_FAST void *bpftime_h_for_each_map_elem(rt_map m, void *base, struct helper_each *at)
{
	switch (m->type) {
	case MAP_TYPE_array:
	case MAP_TYPE_percpu_array:
		return array_next(m, base, at);
	case MAP_TYPE_hash:
	case MAP_TYPE_percpu_hash:
	case MAP_TYPE_lru_hash:
	case MAP_TYPE_lru_percpu_hash:
		return hash_next(m, base, at);
	}
	return NULL;
}
