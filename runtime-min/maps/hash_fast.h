/* SPDX-License-Identifier: MIT
 *
 * hash_fast.h - hash maps as programs see them, with what is constant folded: all operations, as long as no lock
 * is taken, nothing is left to repair and an entry of this thread's shard is free.  Else hash_slow.c does them. */
#ifndef BPFTIME_RUNTIME_HASH_FAST_H
#define BPFTIME_RUNTIME_HASH_FAST_H

#include "hash.h"

RT_INLINE void *rt_hash_fast_lookup(rt_map m, void *base, const void *key)
{
	struct rt_hash_view v = rt_hash_view(m, base);
	uint64_t state;
	uint32_t x;
	int r = rt_hash_walk(&v, rt_hash_of(&v, key), key, &x, &state);

	if (rt_likely(!r)) {
		rt_hash_touch(&v, x);
		return rt_hash_value(&v, x, state);
	}
	if (rt_likely(r == -RT_ENOENT))
		return NULL;
	return (void *)bpftime_rt1_hash_find((uint64_t)m, (uint64_t)base, (uint64_t)key);
}

/* The value of an entry whose bucket is locked.  Per-CPU values are written in place, as in the
 * kernel. */
RT_INLINE void rt_hash_overwrite(const struct rt_hash_view *v, uint32_t x, uint64_t state, const void *value)
{
	rt_value_in(v->m, rt_hash_value(v, x, state ^ RT_ACTIVE), value);
	if (v->percpu)
		return;
	rt_store_release(&rt_hash_entry(v, x)->state, (state ^ RT_ACTIVE) + RT_SEQUENCE);
	rt_timer_forget(v->m, rt_hash_value(v, x, state));
}

/* An entry for bucket b, which is locked: its spare one, or of this thread's shard.  Pending then.  RT_HASH_END: it
 * is not so simple. */
RT_INLINE uint32_t rt_hash_fast_take(const struct rt_hash_view *v, uint32_t b, uint64_t me)
{
	struct rt_bucket *bucket = rt_hash_bucket(v, b);
	uint32_t pending = rt_load(&bucket->pending), x = (pending & ~RT_SPARE) - 1;
	struct rt_shard *shard = rt_hash_shard(v, RT_OWNER_TID(me));

	if (rt_likely(x < v->entries)) {
		rt_store_release(&bucket->pending, x + 1);
		return x;
	}
	if (pending || rt_unlikely(!rt_load(&shard->top) || !rt_lock_try(&shard->lock, me)))
		return RT_HASH_END;
	x = rt_hash_pop(v, RT_OWNER_TID(me), b);
	rt_unlock(&shard->lock);
	return x;
}

/* Entry x, pending in bucket b, goes to its shard.  false: that is taken. */
RT_INLINE bool rt_hash_fast_free(const struct rt_hash_view *v, uint32_t b, uint32_t x, uint64_t me)
{
	struct rt_shard *shard = rt_hash_shard(v, x);

	if (rt_unlikely(!rt_lock_try(&shard->lock, me)))
		return false;
	rt_hash_push(v, x);
	rt_unlock(&shard->lock);
	rt_store_release(&rt_hash_bucket(v, b)->pending, 0);
	return true;
}

/* Inserts a key that is not there.  false: nothing is done. */
RT_INLINE bool rt_hash_fast_insert(const struct rt_hash_view *v, uint32_t b, const void *key, const void *value,
				   uint64_t me)
{
	uint32_t x = rt_hash_fast_take(v, b, me);
	struct rt_entry *e = rt_hash_entry(v, x);
	uint64_t state;

	if (rt_unlikely(x == RT_HASH_END))
		return false;
	state = rt_hash_begin(e);
	rt_copy_in(rt_hash_key(e), key, v->m->key_size);
	rt_hash_zero_cpus(v, x);
	rt_value_in(v->m, rt_hash_value(v, x, state), value);
	rt_hash_start_use(v, x);
	rt_hash_publish(v, b, x, state);
	return true;
}

RT_INLINE int rt_hash_fast_update(rt_map m, void *base, const void *key, const void *value,
			   uint64_t flags)
{
	struct rt_hash_view v = rt_hash_view(m, base);
	uint64_t me = rt_me(), state;
	struct rt_bucket *bucket;
	uint32_t b, x;
	int r;

	if (rt_unlikely(!rt_hash_flags_ok(m, flags)))
		return -RT_EINVAL;
	if (flags & MAP_LOCK)
		return (int)bpftime_rt1_hash_put((uint64_t)m, (uint64_t)base, (uint64_t)key,
						 (uint64_t)value, flags, 0);
	b = rt_hash_of(&v, key);
	bucket = rt_hash_bucket(&v, b);
	if (rt_unlikely(!rt_lock_try(&bucket->lock, me)))
		me = 0;
	else if (rt_likely(rt_hash_at_rest(rt_load(&bucket->pending)))) {
		r = rt_hash_walk(&v, b, key, &x, &state);
		if (rt_likely(!r && flags != MAP_NOEXIST)) {
			rt_hash_touch(&v, x);
			rt_hash_overwrite(&v, x, state, value);
			rt_unlock(&bucket->lock);
			return 0;
		}
		if (r && flags != MAP_EXIST && rt_hash_fast_insert(&v, b, key, value, me)) {
			rt_unlock(&bucket->lock);
			return 0;
		}
	}
	return (int)bpftime_rt1_hash_put((uint64_t)m, (uint64_t)base, (uint64_t)key,
					    (uint64_t)value, flags, me);
}

/* Entry x behind `link` becomes its bucket's spare one, or its shard's.  false: nothing is done. */
RT_INLINE bool rt_hash_fast_take_out(const struct rt_hash_view *v, uint32_t b, uint32_t *link, uint32_t x, uint64_t me)
{
	struct rt_shard *shard = rt_hash_shard(v, x);

	if (rt_likely(rt_hash_may_keep(v, x))) {
		rt_hash_unlink(v, b, link, x);
		rt_hash_keep(v, b, x);
		return true;
	}
	if (rt_unlikely(!rt_lock_try(&shard->lock, me)))
		return false;
	rt_hash_unlink(v, b, link, x);
	rt_hash_push(v, x);
	rt_unlock(&shard->lock);
	rt_store_release(&rt_hash_bucket(v, b)->pending, 0);
	return true;
}

RT_INLINE int rt_hash_fast_remove(rt_map m, void *base, const void *key)
{
	struct rt_hash_view v = rt_hash_view(m, base);
	uint32_t b = rt_hash_of(&v, key), x, *link, pending, spare;
	struct rt_bucket *bucket = rt_hash_bucket(&v, b);
	uint64_t me = rt_me();

	if (rt_unlikely(!rt_lock_try(&bucket->lock, me)))
		return (int)bpftime_rt1_hash_out((uint64_t)m, (uint64_t)base, (uint64_t)key, 0);
	pending = rt_load(&bucket->pending);
	if (rt_likely(rt_hash_at_rest(pending))) {
		link = rt_hash_link(&v, b, key, &x);
		if (rt_unlikely(!link)) {
			rt_unlock(&bucket->lock);
			return -RT_ENOENT;
		}
		spare = (pending & ~RT_SPARE) - 1;
		if (spare < v.entries) {	/* one at a time is pending */
			rt_store_release(&bucket->pending, spare + 1);
			if (rt_hash_fast_free(&v, b, spare, me))
				pending = 0;
		}
		if (rt_likely(!pending && rt_hash_fast_take_out(&v, b, link, x, me))) {
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
