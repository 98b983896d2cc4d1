/* SPDX-License-Identifier: MIT
 *
 * hash_user.c - BPF_MAP_TYPE_HASH as processes see it. */
#include "hash_slow.h"

#include "random.h"

enum {
	HASH_FLAGS = MAP_F_NO_PREALLOC | MAP_F_NUMA_NODE | MAP_F_ZERO_SEED | MAP_F_RDONLY |
		     MAP_F_WRONLY | MAP_F_RDONLY_PROG | MAP_F_WRONLY_PROG,
	ELEM_MAX = (1 << 22) - 48,	/* KMALLOC_MAX_SIZE - sizeof(struct htab_elem) */
	COPIES = 64,		/* tries without the lock */
};

int rt_hash_check(rt_map m)
{
	if (!m->key_size || !m->value_size || !m->max_entries || m->flags & ~(uint32_t)HASH_FLAGS)
		return -RT_EINVAL;
	if ((uint64_t)m->key_size + m->value_size >= ELEM_MAX || m->max_entries >= RT_HASH_END / 2)
		return -RT_E2BIG;
	return 0;
}

uint64_t rt_hash_size(rt_map m, uint32_t cpus)
{
	(void)cpus;
	return rt_hash_entries_off(m) + rt_hash_entry_bytes(m) * m->max_entries;
}

void rt_hash_format(rt_map m, void *base, uint32_t cpus)
{
	uint32_t k = rt_hash_shards(m);

	(void)cpus;
	((struct rt_hash *)base)->seed = m->flags & MAP_F_ZERO_SEED ? 0 : rt_random_seed();
	for (uint32_t b = 0; b < rt_hash_buckets(m); b++)
		rt_hash_bucket(m, base, b)->head = RT_HASH_END | b;
	/* Lowest entries on top: a map that is never full touches its first pages only. */
	for (uint32_t i = m->max_entries; i--;) {
		struct rt_shard *s = rt_hash_shard(base, i % k);

		rt_hash_stack(m, base, i % k)[s->top++] = i;
	}
}

/* A value that one update wrote.  Returns 0, -ENOENT, -EBUSY. */
static int copy_value(rt_map m, void *base, uint32_t b, const void *key, void *value)
{
	struct rt_entry *e;
	uint64_t state;
	bool lost;
	int r;

	for (int i = 0; i < COPIES; i++) {
		e = rt_hash_walk(m, base, b, key, &state, &lost);
		if (lost)
			continue;
		if (!e)
			return -RT_ENOENT;
		rt_copy_words(value, rt_hash_value(m, e, state), m->value_size);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (rt_load(&e->state) == state)
			return 0;
	}
	r = rt_hash_enter(m, base, b, rt_me());
	if (r)
		return r;
	e = rt_hash_walk(m, base, b, key, &state, &lost);
	if (e)
		rt_copy_words(value, rt_hash_value(m, e, state), m->value_size);
	rt_unlock(&rt_hash_bucket(m, base, b)->lock);
	return e ? 0 : -RT_ENOENT;
}

int rt_hash_read(rt_map m, void *base, const void *key, void *value, uint64_t flags)
{
	if (flags)
		return -RT_EINVAL;
	return copy_value(m, base, rt_hash_of(m, base, key), key, value);
}

int rt_hash_write(rt_map m, void *base, const void *key, const void *value, uint64_t flags)
{
	return rt_hash_update(m, base, key, value, flags);
}

/* The key of the first live entry at or behind link `i` of bucket b, or of a later bucket. */
static int first_key(rt_map m, void *base, uint32_t b, uint32_t i, void *next)
{
	uint32_t steps = m->max_entries;

	for (;;) {
		while (i < m->max_entries && steps) {
			struct rt_entry *e = rt_hash_entry(m, base, i);
			uint64_t s = rt_load_acquire(&e->state);

			if (s & RT_LIVE) {
				rt_copy_words(next, rt_hash_key(e), m->key_size);
				__atomic_thread_fence(__ATOMIC_ACQUIRE);
				if (rt_load(&e->state) == s)
					return 0;
				steps--;
				continue;
			}
			i = rt_load_acquire(&e->next);
			steps--;
		}
		if (++b >= rt_hash_buckets(m))
			return -RT_ENOENT;
		i = rt_load_acquire(&rt_hash_bucket(m, base, b)->head);
		steps = m->max_entries;
	}
}

/* Order: bucket by bucket.  A key that is not there any more starts over, as in the kernel. */
int rt_hash_next(rt_map m, void *base, const void *key, void *next)
{
	struct rt_entry *e;
	uint64_t state;
	bool lost = true;
	uint32_t b;

	if (key) {
		b = rt_hash_of(m, base, key);
		for (int n = 0; lost && n < RT_HASH_RESTARTS; n++) {
			e = rt_hash_walk(m, base, b, key, &state, &lost);
			if (e)
				return first_key(m, base, b, rt_load_acquire(&e->next), next);
		}
	}
	return first_key(m, base, 0, rt_load_acquire(&rt_hash_bucket(m, base, 0)->head), next);
}
