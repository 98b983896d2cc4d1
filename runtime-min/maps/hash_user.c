/* SPDX-License-Identifier: MIT
 *
 * hash_user.c - the four kinds of hash map as processes see them. */
#include "hash_slow.h"

#include "random.h"

enum {
	HASH_FLAGS = MAP_F_NO_PREALLOC | MAP_F_NO_COMMON_LRU | MAP_F_NUMA_NODE | MAP_F_ZERO_SEED |
		     MAP_F_RDONLY | MAP_F_WRONLY | MAP_F_RDONLY_PROG | MAP_F_WRONLY_PROG,
	ELEM_MAX = (1 << 22) - 48,	/* KMALLOC_MAX_SIZE - sizeof(struct htab_elem) */
	COPIES = 64,		/* tries without the lock */
};

static int check(rt_map m)
{
	bool lru = rt_hash_is_lru(m), own = m->flags & MAP_F_NO_COMMON_LRU;

	if (m->flags & ~(uint32_t)HASH_FLAGS || (!lru && own))
		return -RT_EINVAL;
	if ((own || rt_hash_is_percpu(m)) && m->flags & MAP_F_NUMA_NODE)
		return -RT_EINVAL;
	if (!m->key_size || !m->value_size || !m->max_entries)
		return -RT_EINVAL;
	if ((uint64_t)m->key_size + m->value_size >= ELEM_MAX || m->max_entries >= RT_HASH_END / 2)
		return -RT_E2BIG;
	return 0;
}

static int check_percpu(rt_map m)
{
	int r = check(m);

	return r ? r : rt_hash_percpu_check(m);
}

static int check_lru(rt_map m)
{
	int r = m->flags & ~(uint32_t)HASH_FLAGS ? -RT_EINVAL : rt_hash_lru_check(m);

	return r ? r : check(m);
}

static int check_lru_percpu(rt_map m)
{
	int r = check_lru(m);

	return r ? r : rt_hash_percpu_check(m);
}

static uint64_t size(rt_map m, uint32_t cpus)
{
	struct rt_hash_view v = rt_hash_view(m, NULL);

	return rt_hash_bytes(&v, cpus);
}

static void format(rt_map m, void *base)
{
	struct rt_hash_view v = rt_hash_view(m, base);

	rt_hash_head(&v)->seed = m->flags & MAP_F_ZERO_SEED ? 0 : rt_random_seed();
	for (uint32_t b = 0; b < v.buckets; b++)
		rt_hash_bucket(&v, b)->head = RT_HASH_END | b;
	/* Lowest entries on top: a map that is never full touches its first pages only. */
	for (uint32_t x = v.entries; x--;)
		rt_hash_stack(&v, x)[rt_hash_shard(&v, x)->top++] = x;
}

/* A value that one update wrote.  Returns 0, -ENOENT, -EBUSY. */
static int copy_value(const struct rt_hash_view *v, uint32_t b, const void *key, void *value)
{
	uint64_t state;
	uint32_t x;
	int r;

	for (int i = 0; i < COPIES; i++) {
		r = rt_hash_walk(v, b, key, &x, &state);
		if (r == -RT_EAGAIN)
			continue;
		if (r)
			return r;
		rt_hash_copy_out(v, x, state, value);
		if (rt_hash_is_whole(v, x, state))
			return 0;
	}
	if (rt_hash_enter(v, b, rt_me()))
		return rt_busy();
	r = rt_hash_walk(v, b, key, &x, &state);
	if (!r)
		rt_hash_copy_out(v, x, state, value);
	rt_unlock(&rt_hash_bucket(v, b)->lock);
	return r ? -RT_ENOENT : 0;
}

/* The same under the value's lock. */
static int copy_locked(const struct rt_hash_view *v, uint32_t b, const void *key, void *value)
{
	int r = -RT_ENOENT;
	uint64_t state;
	uint32_t x;

	if (rt_hash_enter(v, b, rt_me()))
		return rt_busy();
	if (!rt_hash_walk(v, b, key, &x, &state))
		r = rt_value_get(v->m, v->base, value, rt_hash_value(v, x, state));
	rt_unlock(&rt_hash_bucket(v, b)->lock);
	return r;
}

static int read_value(rt_map m, void *base, const void *key, void *value, uint64_t flags)
{
	struct rt_hash_view v = rt_hash_view(m, base);
	uint32_t b = rt_hash_of(&v, key);

	if (flags & ~(uint64_t)MAP_LOCK || (flags && !m->lock))
		return -RT_EINVAL;
	return flags ? copy_locked(&v, b, key, value) : copy_value(&v, b, key, value);
}

/* The key of the first live entry at or behind link `x` of bucket b, or of a later bucket. */
static int first_key(const struct rt_hash_view *v, uint32_t b, uint32_t x, void *next)
{
	uint32_t steps = v->entries;

	for (;;) {
		while (x < v->entries && steps--) {
			struct rt_entry *e = rt_hash_entry(v, x);
			uint64_t state = rt_load_acquire(&e->state);

			if (state & RT_LIVE) {
				rt_copy_words(next, rt_hash_key(e), v->m->key_size);
				if (rt_hash_is_whole(v, x, state))
					return 0;
			} else {
				x = rt_load_acquire(&e->next);
			}
		}
		if (++b >= v->buckets)
			return -RT_ENOENT;
		x = rt_load_acquire(&rt_hash_bucket(v, b)->head);
		steps = v->entries;
	}
}

/* Order: bucket by bucket.  A key that is not there any more starts over, as in the kernel. */
static int next_key(rt_map m, void *base, const void *key, void *next)
{
	struct rt_hash_view v = rt_hash_view(m, base);
	uint32_t b = key ? rt_hash_of(&v, key) : 0, x;
	int r = key ? -RT_EAGAIN : 0;
	uint64_t state;

	for (int n = 0; r == -RT_EAGAIN && n < COPIES; n++) {
		r = rt_hash_walk(&v, b, key, &x, &state);
		if (!r)
			return first_key(&v, b, rt_load_acquire(&rt_hash_entry(&v, x)->next), next);
	}
	return first_key(&v, 0, rt_load_acquire(&rt_hash_bucket(&v, 0)->head), next);
}

static int write(rt_map m, void *base, const void *key, const void *value, uint64_t flags)
{
	if (!rt_hash_flags_ok(m, flags))
		return -RT_EINVAL;
	return (int)rt_hash_put((uint64_t)m, (uint64_t)base, (uint64_t)key, (uint64_t)value,
				flags | RT_HASH_ALL_CPUS, 0);
}

#define HASH_KIND(kind_, check_)                                                             \
	int rt_##kind_##_check(rt_map m)                                                   \
	{                                                                                  \
		return check_(m);                                                          \
	}                                                                                  \
	uint64_t rt_##kind_##_size(rt_map m, uint32_t cpus)                                \
	{                                                                                  \
		return size(m, cpus);                                                      \
	}                                                                                  \
	void rt_##kind_##_format(rt_map m, void *base, uint32_t cpus)                      \
	{                                                                                  \
		(void)cpus;                                                                \
		format(m, base);                                                           \
	}                                                                                  \
	int rt_##kind_##_read(rt_map m, void *base, const void *key, void *value,          \
			      uint64_t flags)                                              \
	{                                                                                  \
		return read_value(m, base, key, value, flags);                             \
	}                                                                                  \
	int rt_##kind_##_write(rt_map m, void *base, const void *key, const void *value,   \
			       uint64_t flags)                                             \
	{                                                                                  \
		return write(m, base, key, value, flags);                                  \
	}                                                                                  \
	int rt_##kind_##_next(rt_map m, void *base, const void *key, void *next)           \
	{                                                                                  \
		return next_key(m, base, key, next);                                       \
	}

HASH_KIND(hash, check)
HASH_KIND(percpu_hash, check_percpu)
HASH_KIND(lru_hash, check_lru)
HASH_KIND(lru_percpu_hash, check_lru_percpu)
