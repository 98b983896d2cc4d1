/* SPDX-License-Identifier: MIT
 *
 * hash_fast.h - hash maps as programs see them, with what is constant folded: all operations, as long as no lock
 * is taken, nothing is left to repair and an entry of this thread's shard is free.  Else hash_slow.c does them. */
#ifndef BPFTIME_RUNTIME_HASH_FAST_H
#define BPFTIME_RUNTIME_HASH_FAST_H

#include "hash.h"

RT_INLINE void *rt_hash_fast_lookup(rt_map m, void *base, const void *key)
{
	uint32_t b = rt_hash_of(m, base, key);
	struct rt_entry *e;
	uint64_t state;
	bool lost;

	e = rt_hash_walk(m, base, b, key, &state, &lost);
	if (rt_likely(e)) {
		rt_hash_touch(m, base, e);
		return rt_hash_value(m, base, e, state);
	}
	if (rt_likely(!lost))
		return NULL;
	return (void *)bpftime_rt1_hash_find((uint64_t)m, (uint64_t)base, (uint64_t)key);
}

/* The value of an entry whose bucket is locked.  Per-CPU values are written in place, as in the
 * kernel. */
RT_INLINE void rt_hash_overwrite(rt_map m, void *base, struct rt_entry *e, uint64_t state,
				 const void *value)
{
	rt_value_in(m, rt_hash_value(m, base, e, state ^ RT_ACTIVE), value);
	if (rt_hash_is_percpu(m))
		return;
	rt_store_release(&e->state, (state ^ RT_ACTIVE) + RT_SEQUENCE);
	rt_timer_forget(m, rt_hash_value(m, base, e, state));
}

/* An entry for bucket b, which is locked: its spare one, or of this thread's shard.  Pending then.  RT_HASH_END: it
 * is not so simple. */
RT_INLINE uint32_t rt_hash_fast_take(const struct rt_hash_layout *l, rt_map m, void *base, uint32_t b, uint64_t me)
{
	struct rt_bucket *bucket = rt_hash_bucket(m, base, b);
	uint32_t pending = rt_load(&bucket->pending), x = (pending & ~RT_SPARE) - 1;
	uint32_t s = RT_OWNER_TID(me) & (l->shards - 1);
	struct rt_shard *shard = rt_hash_shard(base, s);

	if (rt_likely(x < m->max_entries)) {
		rt_store_release(&bucket->pending, x + 1);
		return x;
	}
	if (pending || rt_unlikely(!rt_load(&shard->top) || !rt_lock_try(&shard->lock, me)))
		return RT_HASH_END;
	x = rt_hash_pop(l, m, base, s, b);
	rt_unlock(&shard->lock);
	return x;
}

/* Entry x, pending, goes to its shard.  false: that is taken. */
RT_INLINE bool rt_hash_fast_free(const struct rt_hash_layout *l, void *base, struct rt_bucket *bucket, uint32_t x,
				 uint64_t me)
{
	uint32_t s = x & (l->shards - 1);
	struct rt_shard *shard = rt_hash_shard(base, s);

	if (rt_unlikely(!rt_lock_try(&shard->lock, me)))
		return false;
	rt_hash_push(l, base, s, x);
	rt_unlock(&shard->lock);
	rt_store_release(&bucket->pending, 0);
	return true;
}

/* Inserts a key that is not there.  false: nothing is done. */
RT_INLINE bool rt_hash_fast_insert(rt_map m, void *base, uint32_t b, const void *key, const void *value, uint64_t me)
{
	struct rt_hash_layout l = rt_hash_layout(m);
	uint32_t x = rt_hash_fast_take(&l, m, base, b, me);
	struct rt_entry *e = rt_hash_entry(m, base, x);
	uint64_t state;

	if (rt_unlikely(x == RT_HASH_END))
		return false;
	state = rt_hash_begin(e);
	rt_copy_in(rt_hash_key(e), key, m->key_size);
	rt_hash_zero_cpus(&l, m, base, x);
	rt_value_in(m, rt_hash_value(m, base, e, state), value);
	rt_hash_start_use(&l, base, e);
	rt_hash_publish(rt_hash_bucket(m, base, b), e, x, state);
	return true;
}

RT_INLINE int rt_hash_fast_update(rt_map m, void *base, const void *key, const void *value,
			   uint64_t flags)
{
	uint64_t me = rt_me(), state;
	uint32_t b;
	struct rt_bucket *bucket;
	struct rt_entry *e;
	bool lost;

	if (rt_unlikely(!rt_hash_flags_ok(m, flags)))
		return -RT_EINVAL;
	if (flags & MAP_LOCK)
		return (int)bpftime_rt1_hash_put((uint64_t)m, (uint64_t)base, (uint64_t)key,
						 (uint64_t)value, flags, 0);
	b = rt_hash_of(m, base, key);
	bucket = rt_hash_bucket(m, base, b);
	if (rt_unlikely(!rt_lock_try(&bucket->lock, me)))
		me = 0;
	else if (rt_likely(rt_hash_at_rest(rt_load(&bucket->pending)))) {
		e = rt_hash_walk(m, base, b, key, &state, &lost);
		if (rt_likely(e && flags != MAP_NOEXIST)) {
			rt_hash_touch(m, base, e);
			rt_hash_overwrite(m, base, e, state, value);
			rt_unlock(&bucket->lock);
			return 0;
		}
		if (!e && flags != MAP_EXIST && rt_hash_fast_insert(m, base, b, key, value, me)) {
			rt_unlock(&bucket->lock);
			return 0;
		}
	}
	return (int)bpftime_rt1_hash_put((uint64_t)m, (uint64_t)base, (uint64_t)key,
					    (uint64_t)value, flags, me);
}

RT_INLINE int rt_hash_fast_remove(rt_map m, void *base, const void *key)
{
	struct rt_hash_layout l = rt_hash_layout(m);
	uint32_t b = rt_hash_of(m, base, key), x = 0, *link;
	struct rt_bucket *bucket = rt_hash_bucket(m, base, b);
	uint32_t pending, spare;
	uint64_t me = rt_me();

	if (rt_unlikely(!rt_lock_try(&bucket->lock, me)))
		return (int)bpftime_rt1_hash_out((uint64_t)m, (uint64_t)base, (uint64_t)key, 0);
	pending = rt_load(&bucket->pending);
	if (rt_likely(rt_hash_at_rest(pending))) {
		link = rt_hash_link_in(&l, m, base, b, key, &x);
		if (rt_unlikely(!link)) {
			rt_unlock(&bucket->lock);
			return -RT_ENOENT;
		}
		spare = (pending & ~RT_SPARE) - 1;
		if (spare < m->max_entries) {	/* one at a time is pending */
			rt_store_release(&bucket->pending, spare + 1);
			if (rt_hash_fast_free(&l, base, bucket, spare, me))
				pending = 0;
		}
	}
	if (rt_likely(!pending)) {
		struct rt_entry *e = rt_hash_entry(m, base, x);
		uint32_t s = x & (l.shards - 1);
		struct rt_shard *shard = rt_hash_shard(base, s);

		if (rt_likely(rt_hash_may_keep(&l, base, x))) {
			rt_hash_unlink(&l, m, bucket, e, x, link);
			rt_hash_keep(bucket, base, x);
			rt_unlock(&bucket->lock);
			return 0;
		}
		if (rt_likely(rt_lock_try(&shard->lock, me))) {
			rt_hash_unlink(&l, m, bucket, e, x, link);
			rt_hash_push(&l, base, s, x);
			rt_unlock(&shard->lock);
			rt_store_release(&bucket->pending, 0);
			rt_unlock(&bucket->lock);
			return 0;
		}
	}
	return (int)bpftime_rt1_hash_out((uint64_t)m, (uint64_t)base, (uint64_t)key, me);
}

#define RT_HASH_KIND(kind_)                                                               \
	RT_FAST void *rt_##kind_##_lookup(rt_map m, void *base, const void *key)           \
	{                                                                                  \
		return rt_hash_fast_lookup(m, base, key);                                  \
	}                                                                                  \
	RT_FAST int rt_##kind_##_update(rt_map m, void *base, const void *key,             \
					const void *value, uint64_t flags)                 \
	{                                                                                  \
		return rt_hash_fast_update(m, base, key, value, flags);                    \
	}                                                                                  \
	RT_FAST int rt_##kind_##_remove(rt_map m, void *base, const void *key)             \
	{                                                                                  \
		return rt_hash_fast_remove(m, base, key);                                  \
	}

#endif
