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

/* Once, not wherever they are needed; but not RT_COLD: every update goes through them. */
#define ONCE static __attribute__((noinline))

ONCE struct rt_hash_view look_at(rt_map m, void *base)
{
	return rt_hash_view(m, base);
}

ONCE uint32_t bucket_of(const struct rt_hash_view *v, const void *key)
{
	return rt_hash_of(v, key);
}

ONCE uint32_t *find(const struct rt_hash_view *v, uint32_t b, const void *key, uint32_t *x)
{
	return rt_hash_link(v, b, key, x);
}

ONCE char *value_of(const struct rt_hash_view *v, uint32_t x, uint64_t state)
{
	return rt_hash_value(v, x, state);
}

/* Under the shard's lock. */
ONCE void push(const struct rt_hash_view *v, uint32_t x)
{
	rt_hash_push(v, x);
}

uint32_t *rt_hash_link_to(const struct rt_hash_view *v, uint32_t b, uint32_t x)
{
	uint32_t *link = &rt_hash_bucket(v, b)->head;

	for (uint32_t i, steps = v->entries; (i = rt_load(link)) < v->entries && steps--;
	     link = &rt_hash_entry(v, i)->next)
		if (i == x)
			return link;
	return NULL;
}

/* ---- free entries ---- */

static RT_COLD bool is_free(const struct rt_hash_view *v, uint32_t x)
{
	uint32_t top = rt_hash_top(v, rt_hash_shard(v, x));
	const uint32_t *stack = rt_hash_stack(v, x);

	for (uint32_t i = 0; i < top; i++)
		if (rt_load(&stack[i]) == x)
			return true;
	return false;
}

/* Takes a free entry of i's shard for bucket b, which is locked.
 * Returns the entry, -ENOENT when there is none, -EBUSY. */
static int64_t take(const struct rt_hash_view *v, uint32_t i, uint32_t b, uint64_t me, bool wait)
{
	struct rt_shard *shard = rt_hash_shard(v, i);
	uint32_t x;

	if (!rt_load(&shard->top))
		return -RT_ENOENT;
	if (!rt_lock_try(&shard->lock, me) && (!wait || rt_lock_wait(&shard->lock, me)))
		return -RT_EBUSY;
	x = rt_hash_pop(v, i, b);
	rt_unlock(&shard->lock);
	return x == RT_HASH_END ? -RT_ENOENT : (int64_t)x;
}

/* First every shard that is free at once, then those that must be waited for. */
static int64_t take_any(const struct rt_hash_view *v, uint32_t b, uint64_t me)
{
	uint32_t first = RT_OWNER_TID(me);
	bool busy = false;

	for (int wait = 0; wait <= 1; wait++) {
		for (uint32_t i = 0; i < v->shards; i++) {
			int64_t x = take(v, first + i, b, me, wait);

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
	struct rt_shard *shard = rt_hash_shard(v, x);

	rt_store_release(&rt_hash_bucket(v, b)->pending, x + 1);
	if (rt_lock_part(&shard->lock, me))
		return -RT_EBUSY;
	push(v, x);
	rt_unlock(&shard->lock);
	rt_store_release(&rt_hash_bucket(v, b)->pending, 0);
	return 0;
}

/* ---- what the dead left ---- */

/* Finishes what is pending in bucket b, which is locked, and gives a spare entry back.  0 or -EBUSY. */
static RT_COLD int repair(const struct rt_hash_view *v, uint32_t b, uint64_t me)
{
	struct rt_bucket *bucket = rt_hash_bucket(v, b);
	uint32_t pending = rt_load(&bucket->pending), x = (pending & ~RT_SPARE) - 1;
	struct rt_shard *shard;
	struct rt_entry *e;

	if (!pending)
		return 0;
	if (x >= v->entries) {
		rt_store_release(&bucket->pending, 0);
		return 0;
	}
	if (pending & RT_SPARE)
		return give_back(v, b, x, me);
	e = rt_hash_entry(v, x);
	if (rt_hash_link_to(v, b, x)) {
		uint64_t state = rt_load(&e->state);

		if (!(state & RT_LIVE))
			rt_store_release(&e->state, (state | RT_LIVE) + RT_SEQUENCE);
	} else {
		shard = rt_hash_shard(v, x);
		if (rt_lock_part(&shard->lock, me))
			return -RT_EBUSY;
		if (rt_load(&e->home) == b + 1) {
			if (is_free(v, x)) {
				rt_store_release(&e->home, 0);
			} else {
				rt_hash_unlive(v, e);
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
	rt_unlock(&rt_hash_bucket(v, b)->lock);
}

/* Takes the bucket's lock, unless it is `me`'s already, and leaves nothing pending but a spare entry. */
static int enter(const struct rt_hash_view *v, uint32_t b, uint64_t me, bool locked)
{
	if (!locked && rt_lock_part(&rt_hash_bucket(v, b)->lock, me))
		return -RT_EBUSY;
	if (rt_likely(rt_hash_at_rest(rt_load(&rt_hash_bucket(v, b)->pending))) || !repair(v, b, me))
		return 0;
	leave(v, b);
	return -RT_EBUSY;
}

int rt_hash_enter(const struct rt_hash_view *v, uint32_t b, uint64_t me)
{
	return enter(v, b, me, false);
}

/* `spares` is 0 then, unless somebody works on a bucket, and may have looked at `spares` before, or has said so
 * meanwhile. */
RT_COLD void rt_hash_collect(const struct rt_hash_view *v, uint64_t me)
{
	struct rt_hash *h = rt_hash_head(v);
	uint64_t mine = me;
	bool all = true;

	__atomic_exchange_n(&h->spares, me, __ATOMIC_SEQ_CST);	/* before any lock is looked at */
	for (uint32_t b = 0; b < v->buckets; b++) {
		struct rt_bucket *bucket = rt_hash_bucket(v, b);

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
	struct rt_hash *h = rt_hash_head(v);
	uint64_t n;

	if (rt_load(&h->spares) || v->lru)
		return rt_load(&h->spares);
	n = rt_add(&h->full, 1) + 1;
	return !(n & (n - 1)) || !(n & 4095);
}

/* Is it worth another try? */
ONCE bool make_room(const struct rt_hash_view *v, uint64_t me, uint32_t tries)
{
	if (!tries && time_to_collect(v))
		rt_hash_collect(v, me);
	else if (v->lru && tries < LRU_TRIES)
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
	else if (v->percpu)
		RT_LINKED(rt_hash_write_cpus)(v, x, value, flags, new);
	else
		rt_value_in(v->m, value_of(v, x, state), value);
}

/* b is locked and the key is not there. */
static int insert(const struct rt_hash_view *v, uint32_t b, const void *key, const void *value, uint64_t flags,
		  uint64_t me)
{
	struct rt_bucket *bucket = rt_hash_bucket(v, b);
	uint32_t spare = rt_load(&bucket->pending);
	int64_t x = (int64_t)(spare & ~RT_SPARE) - 1;
	struct rt_entry *e;
	uint64_t state;

	if (x < 0 || x >= v->entries)
		x = take_any(v, b, me);
	else
		rt_store_release(&bucket->pending, (uint32_t)x + 1);
	if (x < 0)
		return (int)x;
	e = rt_hash_entry(v, (uint32_t)x);
	state = rt_hash_begin(e);
	rt_copy_in(rt_hash_key(e), key, v->m->key_size);
	write_value(v, (uint32_t)x, state, value, flags, true);
	rt_hash_start_use(v, (uint32_t)x);
	rt_hash_publish(v, b, (uint32_t)x, state);
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
	e = rt_hash_entry(v, x);
	state = rt_load(&e->state);
	if (flags & MAP_LOCK)	/* in place, for those who have its address */
		return (int)rt_value_put((uint64_t)v->m, (uint64_t)v->base,
					 (uint64_t)value_of(v, x, state), (uint64_t)value);
	rt_hash_touch(v, x);
	write_value(v, x, state ^ RT_ACTIVE, value, flags, false);
	if (v->percpu)
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
	struct rt_hash_view v = look_at((rt_map)map, (void *)at);
	const void *key = (const void *)k, *value = (const void *)val;
	uint64_t me = locked_by ? locked_by : rt_me();
	uint32_t b = bucket_of(&v, key), tries = 0;
	int r;

	for (;;) {
		r = try_put(&v, b, key, value, flags, me, locked_by);
		if (r != -RT_E2BIG || !make_room(&v, me, tries++))
			break;
		locked_by = 0;
	}
	if (v.lru && r == -RT_E2BIG)
		r = -RT_ENOMEM;
	return (uint64_t)(int64_t)(r == -RT_EBUSY ? rt_busy() : r);
}

/* ---- delete ---- */

int rt_hash_take_out(const struct rt_hash_view *v, uint32_t b, uint32_t *link, uint32_t x, uint64_t me, bool keep)
{
	if (rt_load(&rt_hash_bucket(v, b)->pending) && repair(v, b, me))	/* one at a time can be on its way */
		return -RT_EBUSY;
	rt_hash_unlink(v, b, link, x);
	if (keep && rt_hash_may_keep(v, x))
		rt_hash_keep(v, b, x);
	else
		give_back(v, b, x, me);		/* or it stays pending */
	return 0;
}

void rt_hash_copy_out(const struct rt_hash_view *v, uint32_t x, uint64_t state, void *value)
{
	if (v->percpu)
		RT_LINKED(rt_hash_read_cpus)(v, x, value);
	else
		rt_value_out(v->m, value, value_of(v, x, state));
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
		r = rt_value_get(v->m, v->base, value, value_of(v, x, rt_load(&rt_hash_entry(v, x)->state)));
	else if (link && value)
		rt_hash_copy_out(v, x, rt_load(&rt_hash_entry(v, x)->state), value);
	if (!r && rt_hash_take_out(v, b, link, x, me, true))
		r = rt_busy();
	leave(v, b);
	return r;
}

int rt_hash_take(rt_map m, void *base, const void *key, void *value, uint64_t flags)
{
	struct rt_hash_view v = look_at(m, base);

	return take_key(&v, key, value, flags, rt_me(), false);
}

RT_COLD int64_t rt_hash_bucket_out(const struct rt_hash_view *v, uint32_t b, uint32_t room, void *keys, void *values,
				   uint64_t value_bytes, bool take)
{
	struct rt_bucket *bucket = rt_hash_bucket(v, b);
	uint32_t n = 0, key_size = v->m->key_size, x, next;
	uint64_t me = rt_me();
	struct rt_entry *e;

	if (rt_load_acquire(&bucket->head) == (RT_HASH_END | b))
		return 0;
	if (enter(v, b, me, false))
		return -RT_EBUSY;
	for (x = rt_load(&bucket->head); x < v->entries; x = rt_load(&rt_hash_entry(v, x)->next))
		if (n++ == room || n > v->entries) {
			leave(v, b);
			return -RT_ENOSPC;
		}
	x = rt_load(&bucket->head);
	for (uint32_t i = 0; i < n && x < v->entries; i++, x = next) {
		e = rt_hash_entry(v, x);
		next = rt_load(&e->next);
		rt_copy_words((char *)keys + (uint64_t)i * key_size, rt_hash_key(e), key_size);
		rt_hash_copy_out(v, x, rt_load(&e->state), (char *)values + i * value_bytes);
		if (take && rt_hash_take_out(v, b, &bucket->head, x, me, false)) {
			leave(v, b);
			return i ? (int64_t)i : -RT_EBUSY;
		}
	}
	leave(v, b);
	return n;
}

uint64_t rt_hash_out(uint64_t map, uint64_t at, uint64_t k, uint64_t locked_by)
{
	struct rt_hash_view v = look_at((rt_map)map, (void *)at);

	return (uint64_t)(int64_t)take_key(&v, (const void *)k, NULL, 0, locked_by ? locked_by : rt_me(), locked_by);
}

/* A walk without the lock lost its way: a few more, then one under the lock. */
RT_COLD uint64_t rt_hash_find(uint64_t map, uint64_t at, uint64_t k)
{
	struct rt_hash_view v = look_at((rt_map)map, (void *)at);
	const void *key = (const void *)k;
	uint32_t b = bucket_of(&v, key), x;
	int r = -RT_EAGAIN;
	uint64_t state;

	for (int i = 0; i < RT_HASH_RESTARTS && r == -RT_EAGAIN; i++)
		r = rt_hash_walk(&v, b, key, &x, &state);
	if (r == -RT_EAGAIN) {
		if (enter(&v, b, rt_me(), false)) {
			rt_busy();	/* a helper cannot say so: the answer is that there is none */
			return 0;
		}
		r = find(&v, b, key, &x) ? 0 : -RT_ENOENT;
		if (!r)
			state = rt_load(&rt_hash_entry(&v, x)->state);
		leave(&v, b);
	}
	if (r)
		return 0;
	rt_hash_touch(&v, x);
	return (uint64_t)value_of(&v, x, state);
}
