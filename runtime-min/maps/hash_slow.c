/* SPDX-License-Identifier: MIT
 *
 * hash_slow.c - the parts of a hash map that are not inlined: insert, delete, repair.
 * The order of the stores is the protocol: docs/maps.md, modelled in docs/model/hash.pml. */
#include "hash_slow.h"

enum { LRU_TRIES = 64 };	/* victims that others took, or that somebody works on */

RT_WEAK(rt_hash_evict);
RT_WEAK(rt_hash_write_cpus);
RT_WEAK(rt_hash_read_cpus);
RT_WEAK(rt_hash_write_parts);

static void look_at(struct rt_hash_view *v, rt_map m, void *base)
{
	v->m = m;
	v->base = base;
	v->at = rt_hash_layout(m);
	v->buckets = (struct rt_bucket *)((char *)base + v->at.buckets_off);
}

static char *value_of(const struct rt_hash_view *v, uint32_t x, uint64_t state)
{
	if (v->at.percpu)
		return rt_hash_cpu_at(v, x, rt_cpu_slot());
	return (char *)rt_hash_at(v, x) + v->at.value_off + (state & RT_ACTIVE ? v->at.stride : 0);
}

/* Once, not wherever a key comes in; but not RT_COLD: every update goes through it. */
static __attribute__((noinline)) uint32_t bucket_of(const struct rt_hash_view *v, const void *key)
{
	return rt_hash_of(v->m, v->base, key);
}

uint32_t *rt_hash_link_to(const struct rt_hash_view *v, uint32_t b, uint32_t x)
{
	uint32_t *link = &v->buckets[b].head;

	for (uint32_t i, steps = v->m->max_entries; (i = rt_load(link)) < v->m->max_entries && steps--;
	     link = &rt_hash_at(v, i)->next)
		if (i == x)
			return link;
	return NULL;
}

static __attribute__((noinline)) uint32_t *find(const struct rt_hash_view *v, uint32_t b, const void *key, uint32_t *x)
{
	return rt_hash_link_in(&v->at, v->m, v->base, b, key, x);
}

/* ---- free entries ---- */

static uint32_t shard_of(const struct rt_hash_view *v, uint32_t x)
{
	return x & (v->at.shards - 1);	/* a power of two of them */
}

static RT_COLD bool is_free(const struct rt_hash_view *v, uint32_t x)
{
	uint32_t s = shard_of(v, x), top = rt_hash_top(&v->at, rt_hash_shard(v->base, s));
	const uint32_t *stack = rt_hash_stack_in(&v->at, v->base, s);

	for (uint32_t i = 0; i < top; i++)
		if (rt_load(&stack[i]) == x)
			return true;
	return false;
}

/* Under the shard's lock. */
static __attribute__((noinline)) void push(const struct rt_hash_view *v, uint32_t x)
{
	rt_hash_push(&v->at, v->base, shard_of(v, x), x);
}

/* Takes a free entry of shard s for bucket b, which is locked.
 * Returns the entry, -ENOENT when there is none, -EBUSY. */
static int64_t take(const struct rt_hash_view *v, uint32_t s, uint32_t b, uint64_t me, bool wait)
{
	struct rt_shard *shard = rt_hash_shard(v->base, s);
	uint32_t x;

	if (!rt_load(&shard->top))
		return -RT_ENOENT;
	if (!rt_lock_try(&shard->lock, me) && (!wait || rt_lock_wait(&shard->lock, me)))
		return -RT_EBUSY;
	x = rt_hash_pop(&v->at, v->m, v->base, s, b);
	rt_unlock(&shard->lock);
	return x == RT_HASH_END ? -RT_ENOENT : (int64_t)x;
}

/* First every shard that is free at once, then those that must be waited for. */
static int64_t take_any(const struct rt_hash_view *v, uint32_t b, uint64_t me)
{
	uint32_t first = RT_OWNER_TID(me);
	bool busy = false;

	for (int wait = 0; wait <= 1; wait++) {
		for (uint32_t i = 0; i < v->at.shards; i++) {
			int64_t x = take(v, shard_of(v, first + i), b, me, wait);

			if (x >= 0)
				return x;
			busy |= x == -RT_EBUSY;
		}
		if (!busy)
			return -RT_E2BIG;
		if (!wait)
			busy = false;
	}
	return -RT_EBUSY;
}

/* Entry x, which bucket b has in hand, becomes one of its shard's.  -EBUSY: it stays pending. */
static int give_back(const struct rt_hash_view *v, uint32_t b, uint32_t x, uint64_t me)
{
	struct rt_shard *shard = rt_hash_shard(v->base, shard_of(v, x));

	rt_store_release(&v->buckets[b].pending, x + 1);
	if (rt_lock_part(&shard->lock, me))
		return -RT_EBUSY;
	push(v, x);
	rt_unlock(&shard->lock);
	rt_store_release(&v->buckets[b].pending, 0);
	return 0;
}

/* ---- what the dead left ---- */

/* Finishes what is pending in bucket b, which is locked, and gives a spare entry back.  0 or -EBUSY. */
static RT_COLD int repair(const struct rt_hash_view *v, uint32_t b, uint64_t me)
{
	struct rt_bucket *bucket = &v->buckets[b];
	uint32_t pending = rt_load(&bucket->pending), x = (pending & ~RT_SPARE) - 1;
	struct rt_shard *shard;
	struct rt_entry *e;

	if (!pending)
		return 0;
	if (x >= v->m->max_entries) {
		rt_store_release(&bucket->pending, 0);
		return 0;
	}
	if (pending & RT_SPARE)
		return give_back(v, b, x, me);
	e = rt_hash_at(v, x);
	if (rt_hash_link_to(v, b, x)) {
		uint64_t state = rt_load(&e->state);

		if (!(state & RT_LIVE))
			rt_store_release(&e->state, (state | RT_LIVE) + RT_SEQUENCE);
	} else {
		shard = rt_hash_shard(v->base, shard_of(v, x));
		if (rt_lock_part(&shard->lock, me))
			return -RT_EBUSY;
		if (rt_load(&e->home) == b + 1) {
			if (is_free(v, x)) {
				rt_store_release(&e->home, 0);
			} else {
				rt_hash_unlive(&v->at, v->m, e);
				push(v, x);
			}
		}
		rt_unlock(&shard->lock);
	}
	rt_store_release(&bucket->pending, 0);
	return 0;
}

static void leave(const struct rt_hash_view *v, uint32_t b)
{
	rt_unlock(&v->buckets[b].lock);
}

/* Takes the bucket's lock, unless it is `me`'s already, and leaves nothing pending but a spare entry. */
static int enter(const struct rt_hash_view *v, uint32_t b, uint64_t me, bool locked)
{
	if (!locked && rt_lock_part(&v->buckets[b].lock, me))
		return -RT_EBUSY;
	if (rt_likely(rt_hash_at_rest(rt_load(&v->buckets[b].pending))) || !repair(v, b, me))
		return 0;
	leave(v, b);
	return -RT_EBUSY;
}

int rt_hash_lock(const struct rt_hash_view *v, uint32_t b, uint64_t me)
{
	return enter(v, b, me, false);
}

int rt_hash_enter(rt_map m, void *base, uint32_t b, uint64_t me)
{
	struct rt_hash_view v;

	look_at(&v, m, base);
	return enter(&v, b, me, false);
}

/* Gives back the spare entries of all buckets, and what the dead hold in buckets that nobody has visited since.
 * `spares` is 0 then, unless somebody works on a bucket, and may have looked at `spares` before, or has said so
 * meanwhile. */
RT_COLD void rt_hash_collect(const struct rt_hash_view *v, uint64_t me)
{
	struct rt_hash *h = v->base;
	uint64_t mine = me;
	bool all = true;

	__atomic_exchange_n(&h->spares, me, __ATOMIC_SEQ_CST);	/* before any lock is looked at */
	for (uint32_t b = 0; b < v->at.buckets; b++) {
		struct rt_bucket *bucket = &v->buckets[b];

		if (!rt_load_acquire(&bucket->lock) && !rt_load(&bucket->pending))
			continue;
		if (rt_lock_part(&bucket->lock, me)) {
			all = false;
			continue;
		}
		all &= !repair(v, b, me);
		leave(v, b);
	}
	rt_cas(&h->spares, &mine, all ? 0 : RT_SPARES);
}

/* No entry was free.  Some may be all the same: if there are spare ones; and of a map that is not LRU one looks
 * now and then for the dead. */
static RT_COLD bool time_to_collect(const struct rt_hash_view *v)
{
	struct rt_hash *h = v->base;
	uint64_t n;

	if (rt_load(&h->spares) || v->at.lru)
		return rt_load(&h->spares);
	n = rt_add(&h->full, 1) + 1;
	return !(n & (n - 1)) || !(n & 4095);
}

/* Is it worth another try? */
static __attribute__((noinline)) bool make_room(const struct rt_hash_view *v, uint64_t me, uint32_t tries)
{
	if (!tries && time_to_collect(v))
		rt_hash_collect(v, me);
	else if (v->at.lru && tries < LRU_TRIES)
		RT_LINKED(rt_hash_evict)(v, me);
	else
		return false;
	return true;
}

/* ---- insert and update ---- */

/* The value of entry x, whose bucket is locked and whose copy of that state nobody reads. */
static void write_value(const struct rt_hash_view *v, uint32_t x, uint64_t state, const void *value, uint64_t flags,
			bool new)
{
	if (flags & RT_HASH_PARTS)
		RT_LINKED(rt_hash_write_parts)(value_of(v, x, state), value);
	else if (v->at.percpu)
		RT_LINKED(rt_hash_write_cpus)(v, x, value, flags, new);
	else
		rt_value_in(v->m, value_of(v, x, state), value);
}

/* b is locked and the key is not there. */
static int insert(const struct rt_hash_view *v, uint32_t b, const void *key, const void *value, uint64_t flags,
		  uint64_t me)
{
	struct rt_bucket *bucket = &v->buckets[b];
	uint32_t spare = rt_load(&bucket->pending);
	int64_t x = (int64_t)(spare & ~RT_SPARE) - 1;
	struct rt_entry *e;
	uint64_t state;

	if (x < 0 || x >= v->m->max_entries)
		x = take_any(v, b, me);
	else
		rt_store_release(&bucket->pending, (uint32_t)x + 1);
	if (x < 0)
		return (int)x;
	e = rt_hash_at(v, (uint32_t)x);
	state = rt_hash_begin(e);
	rt_copy_in(rt_hash_key(e), key, v->m->key_size);
	write_value(v, (uint32_t)x, state, value, flags, true);
	rt_hash_start_use(&v->at, v->base, e);
	rt_hash_publish(bucket, e, (uint32_t)x, state);
	return 0;
}

/* b is locked, nothing is pending but a spare entry. */
static int put(const struct rt_hash_view *v, uint32_t b, const void *key, const void *value, uint64_t flags,
	       uint64_t me)
{
	struct rt_entry *e;
	uint64_t state;
	uint32_t x;

	if (!find(v, b, key, &x))
		return flags & MAP_EXIST ? -RT_ENOENT : insert(v, b, key, value, flags, me);
	if (flags & MAP_NOEXIST)
		return -RT_EEXIST;
	e = rt_hash_at(v, x);
	state = rt_load(&e->state);
	if (flags & MAP_LOCK)	/* in place, for those who have its address */
		return (int)rt_value_put((uint64_t)v->m, (uint64_t)v->base,
					 (uint64_t)value_of(v, x, state), (uint64_t)value);
	rt_hash_touch_in(&v->at, v->base, e);
	write_value(v, x, state ^ RT_ACTIVE, value, flags, false);
	if (v->at.percpu)
		return 0;
	rt_store_release(&e->state, (state ^ RT_ACTIVE) + RT_SEQUENCE);
	rt_timer_forget(v->m, value_of(v, x, state));
	return 0;
}

/* One try of an update.  locked: by `me`, already. */
static int try_put(const struct rt_hash_view *v, uint32_t b, const void *key, const void *value, uint64_t flags,
		   uint64_t me, bool locked)
{
	int r;

	if (enter(v, b, me, locked))
		return -RT_EBUSY;
	r = put(v, b, key, value, flags, me);
	leave(v, b);
	return r;
}

uint64_t rt_hash_put(uint64_t map, uint64_t at, uint64_t k, uint64_t val, uint64_t flags,
		     uint64_t locked_by)
{
	rt_map m = (rt_map)map;
	void *base = (void *)at;
	const void *key = (const void *)k, *value = (const void *)val;
	uint64_t me = locked_by ? locked_by : rt_me();
	struct rt_hash_view v;
	uint32_t b, tries = 0;
	int r;

	look_at(&v, m, base);
	b = bucket_of(&v, key);
	for (;;) {
		r = try_put(&v, b, key, value, flags, me, locked_by);
		if (r != -RT_E2BIG || !make_room(&v, me, tries++))
			break;
		locked_by = 0;
	}
	if (v.at.lru && r == -RT_E2BIG)
		r = -RT_ENOMEM;
	return (uint64_t)(int64_t)(r == -RT_EBUSY ? rt_busy() : r);
}

/* ---- delete ---- */

int rt_hash_take_out(const struct rt_hash_view *v, uint32_t b, uint32_t *link, uint32_t x, uint64_t me, bool keep)
{
	struct rt_bucket *bucket = &v->buckets[b];

	if (rt_load(&bucket->pending) && repair(v, b, me))	/* one at a time can be on its way */
		return -RT_EBUSY;
	rt_hash_unlink(&v->at, v->m, bucket, rt_hash_at(v, x), x, link);
	if (keep && rt_hash_may_keep(&v->at, v->base, x))
		rt_hash_keep(bucket, v->base, x);
	else
		give_back(v, b, x, me);		/* or it stays pending */
	return 0;
}

void rt_hash_copy_out(rt_map m, void *base, struct rt_entry *e, uint64_t state, void *value)
{
	struct rt_hash_view v;

	if (!rt_hash_is_percpu(m)) {
		rt_value_out(m, value, rt_hash_value(m, base, e, state));
		return;
	}
	look_at(&v, m, base);
	RT_LINKED(rt_hash_read_cpus)(&v, rt_hash_index(m, base, e), value);
}

/* Inlined: a program that deletes copies nothing out. */
RT_INLINE int take_key(const struct rt_hash_view *v, const void *key, void *value, uint64_t flags, uint64_t me,
		       bool locked)
{
	uint32_t b = bucket_of(v, key), x = 0, *link;
	int r = -RT_ENOENT;

	if (enter(v, b, me, locked))
		return rt_busy();
	link = find(v, b, key, &x);
	if (link)
		r = 0;
	if (link && flags & MAP_LOCK)
		r = rt_value_get(v->m, v->base, value, value_of(v, x, rt_load(&rt_hash_at(v, x)->state)));
	else if (link && value)
		rt_hash_copy_out(v->m, v->base, rt_hash_at(v, x), rt_load(&rt_hash_at(v, x)->state), value);
	if (!r && rt_hash_take_out(v, b, link, x, me, true))
		r = rt_busy();
	leave(v, b);
	return r;
}

int rt_hash_take(rt_map m, void *base, const void *key, void *value, uint64_t flags)
{
	struct rt_hash_view v;

	look_at(&v, m, base);
	return take_key(&v, key, value, flags, rt_me(), false);
}

RT_COLD int64_t rt_hash_bucket_out(rt_map m, void *base, uint32_t b, uint32_t room, void *keys, void *values,
			   uint64_t value_bytes, bool take)
{
	uint64_t me = rt_me();
	struct rt_hash_view v;
	uint32_t n = 0, x, next;

	look_at(&v, m, base);
	if (rt_load_acquire(&v.buckets[b].head) == (RT_HASH_END | b))
		return 0;
	if (enter(&v, b, me, false))
		return -RT_EBUSY;
	for (x = rt_load(&v.buckets[b].head); x < v.m->max_entries; x = rt_load(&rt_hash_at(&v, x)->next))
		if (n++ == room || n > v.m->max_entries) {
			leave(&v, b);
			return -RT_ENOSPC;
		}
	x = rt_load(&v.buckets[b].head);
	for (uint32_t i = 0; i < n && x < v.m->max_entries; i++, x = next) {
		next = rt_load(&rt_hash_at(&v, x)->next);
		rt_copy_words((char *)keys + (uint64_t)i * m->key_size, rt_hash_key(rt_hash_at(&v, x)), m->key_size);
		rt_hash_copy_out(m, base, rt_hash_at(&v, x), rt_load(&rt_hash_at(&v, x)->state), (char *)values + i * value_bytes);
		if (take && rt_hash_take_out(&v, b, &v.buckets[b].head, x, me, false)) {
			leave(&v, b);
			return i ? (int64_t)i : -RT_EBUSY;
		}
	}
	leave(&v, b);
	return n;
}

uint64_t rt_hash_out(uint64_t map, uint64_t at, uint64_t k, uint64_t locked_by)
{
	struct rt_hash_view v;

	look_at(&v, (rt_map)map, (void *)at);
	return (uint64_t)(int64_t)take_key(&v, (const void *)k, NULL, 0, locked_by ? locked_by : rt_me(), locked_by);
}

/* A walk without the lock lost its way: a few more, then one under the lock. */
RT_COLD uint64_t rt_hash_find(uint64_t map, uint64_t at, uint64_t k)
{
	const void *key = (const void *)k;
	struct rt_entry *e = NULL;
	uint64_t state = 0;
	struct rt_hash_view v;
	uint32_t b, x = 0;
	bool lost = true;

	look_at(&v, (rt_map)map, (void *)at);
	b = bucket_of(&v, key);
	for (int i = 0; i < RT_HASH_RESTARTS && lost; i++)
		e = rt_hash_walk_in(&v.at, v.m, v.base, b, key, &state, &lost);
	if (lost) {
		if (enter(&v, b, rt_me(), false)) {
			rt_busy();	/* a helper cannot say so: the answer is that there is none */
			return 0;
		}
		e = find(&v, b, key, &x) ? rt_hash_at(&v, x) : NULL;
		state = e ? rt_load(&e->state) : 0;
		leave(&v, b);
	}
	if (!e)
		return 0;
	rt_hash_touch_in(&v.at, v.base, e);
	x = (uint32_t)((uint64_t)((char *)e - ((char *)v.base + v.at.entries_off)) / v.at.entry_bytes);
	return (uint64_t)value_of(&v, x, state);
}
