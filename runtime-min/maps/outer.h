/* SPDX-License-Identifier: MIT
 *
 * outer.h - maps of maps: a hash map whose values name files (docs/maps.md).
 *
 *     a hash map             value: struct mapfmt_ref; array_of_maps: key 4 bytes
 *     uint64_t cache[n]      behind the file's last byte, memory of the process alone
 *
 *     cache[i]    state of entry i << RT_INNER_BITS | index of the map in bpftime_rt1_inners
 *
 * An entry's state is another one after each update, so a word of the cache says all of what is
 * needed, and is right or is not used. */
#ifndef BPFTIME_RUNTIME_OUTER_H
#define BPFTIME_RUNTIME_OUTER_H

#include "hash.h"

enum {
	RT_INNER_BITS = 10, RT_INNER_NONE = (1 << RT_INNER_BITS) - 1,
	RT_INNERS = RT_INNER_NONE,	/* maps that a process can have found; they are never unmapped */
};

/* A map that this process has found in a map of maps, or registered as one to be found there. */
struct rt_inner {
	struct mapfmt_ref  ref;
	struct bpftime_map m;	/* what a program gets: slot_rel leads to base */
	void    *base;
	uint32_t ready;		/* stored last */
	uint32_t reserved;
};

#pragma GCC visibility push(hidden)
/* RT_INNERS of them, once there is one. */
extern struct rt_inner *bpftime_rt1_inners;

/* Enters a map that has memory already.  false: the table is full. */
bool rt_inner_add(const struct mapfmt_ref *ref, rt_map m, void *base);
/* Puts a map in, as a process does. */
int rt_outer_put(rt_map m, void *base, const uint32_t *key, const struct mapfmt_ref *ref);
#pragma GCC visibility pop

/* The hash map that it is. */
RT_INLINE struct bpftime_map rt_outer_hash(rt_map m)
{
	return (struct bpftime_map){
		.type = MAP_TYPE_hash, .key_size = m->key_size,
		.value_size = sizeof(struct mapfmt_ref), .max_entries = m->max_entries,
	};
}

/* The cache, of rt_outer_cache_bytes(). */
RT_INLINE uint64_t *rt_outer_cache(const struct rt_hash_view *v)
{
	return (uint64_t *)(v->base + rt_round_up(rt_hash_bytes(v, 0), 4096));
}

RT_INLINE uint64_t rt_outer_cache_bytes(rt_map m)
{
	return rt_round_up(8ull * m->max_entries, 4096);
}

RT_INLINE void *rt_outer_lookup(rt_map m, void *base, const void *key)
{
	struct bpftime_map h = rt_outer_hash(m);
	struct rt_hash_view v = rt_hash_view(&h, base);
	uint64_t state, word;
	uint32_t x, k;
	int r = rt_hash_walk(&v, rt_hash_of(&v, key), key, &x, &state);

	if (rt_likely(!r)) {
		word = rt_load_acquire(&rt_outer_cache(&v)[x]);
		k = word & RT_INNER_NONE;
		if (rt_likely(word >> RT_INNER_BITS == state << RT_INNER_BITS >> RT_INNER_BITS &&
			      k != RT_INNER_NONE))
			return &bpftime_rt1_inners[k].m;
	} else if (rt_likely(r == -RT_ENOENT)) {
		return NULL;
	}
	return (void *)bpftime_rt1_inner_find((uint64_t)m, (uint64_t)base, (uint64_t)key);
}

#endif
