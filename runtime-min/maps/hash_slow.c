/* SPDX-License-Identifier: MIT
 *
 * hash_slow.c - the parts of a hash map that are not inlined: insert, delete, repair.
 * The order of the stores is the protocol: docs/maps.md, modelled in docs/model/hash.pml. */
#include "hash_slow.h"

enum {
	LRU_SCAN = 256,		/* entries looked at for a victim */
	LRU_TRIES = 64,		/* victims that others took, or that somebody works on */
};

/* Is entry x in bucket b's chain?  Under b's lock. */
static bool in_chain(rt_map m, void *base, uint32_t b, uint32_t x)
{
	uint32_t i = rt_load(&rt_hash_bucket(m, base, b)->head), steps = m->max_entries;

	for (; i < m->max_entries && steps--; i = rt_load(&rt_hash_entry(m, base, i)->next))
		if (i == x)
			return true;
	return false;
}

static bool in_stack(const uint32_t *stack, uint32_t top, uint32_t x)
{
	for (uint32_t i = 0; i < top; i++)
		if (rt_load(&stack[i]) == x)
			return true;
	return false;
}

/* What no writer stores; a damaged file may hold more. */
static uint32_t top_of(rt_map m, const struct rt_shard *s)
{
	uint32_t top = rt_load(&s->top), most = rt_hash_per_shard(m);

	return top < most ? top : most;
}

/* Under the shard's lock. */
static void push(rt_map m, void *base, struct rt_shard *s, uint32_t *stack, uint32_t x)
{
	uint32_t top = top_of(m, s);

	if (top < rt_hash_per_shard(m)) {
		rt_store(&stack[top], x);
		rt_store_release(&s->top, top + 1);
	}
	rt_store_release(&rt_hash_entry(m, base, x)->home, 0);
}

static void make_unlive(struct rt_entry *e)
{
	rt_store_release(&e->state, (rt_load(&e->state) & ~(uint64_t)RT_LIVE) + RT_SEQUENCE);
}

int rt_hash_repair(rt_map m, void *base, uint32_t b, uint64_t me)
{
	struct rt_bucket *bucket = rt_hash_bucket(m, base, b);
	uint32_t x = rt_load(&bucket->pending) - 1, s;
	struct rt_shard *shard;
	struct rt_entry *e;
	uint32_t *stack;

	if (x == UINT32_MAX)
		return 0;
	if (x >= m->max_entries) {
		rt_store_release(&bucket->pending, 0);
		return 0;
	}
	e = rt_hash_entry(m, base, x);
	if (in_chain(m, base, b, x)) {
		uint64_t state = rt_load(&e->state);

		if (!(state & RT_LIVE))
			rt_store_release(&e->state, (state | RT_LIVE) + RT_SEQUENCE);
	} else {
		s = x % rt_hash_shards(m);
		shard = rt_hash_shard(base, s);
		stack = rt_hash_stack(m, base, s);
		if (rt_lock_part(&shard->lock, me))
			return -RT_EBUSY;
		if (rt_load(&e->home) == b + 1) {
			if (in_stack(stack, top_of(m, shard), x)) {
				rt_store_release(&e->home, 0);
			} else {
				make_unlive(e);
				push(m, base, shard, stack, x);
			}
		}
		rt_unlock(&shard->lock);
	}
	rt_store_release(&bucket->pending, 0);
	return 0;
}

/* Takes the bucket's lock and leaves nothing pending. */
int rt_hash_enter(rt_map m, void *base, uint32_t b, uint64_t me)
{
	struct rt_bucket *bucket = rt_hash_bucket(m, base, b);

	if (rt_lock_part(&bucket->lock, me))
		return -RT_EBUSY;
	if (rt_hash_repair(m, base, b, me)) {
		rt_unlock(&bucket->lock);
		return -RT_EBUSY;
	}
	return 0;
}

/* Takes a free entry of shard s for bucket b, which is locked.
 * Returns the entry, -ENOENT when there is none, -EBUSY. */
static int64_t take(rt_map m, void *base, uint32_t s, uint32_t b, uint64_t me, bool wait)
{
	struct rt_shard *shard = rt_hash_shard(base, s);
	const uint32_t *stack = rt_hash_stack(m, base, s);
	int64_t x = -RT_ENOENT;
	uint32_t top;

	if (!top_of(m, shard))
		return -RT_ENOENT;
	if (!rt_lock_try(&shard->lock, me) && (!wait || rt_lock_wait(&shard->lock, me)))
		return -RT_EBUSY;
	top = top_of(m, shard);
	if (top) {
		x = rt_load(&stack[top - 1]);
		if (x < m->max_entries) {
			rt_store_release(&rt_hash_bucket(m, base, b)->pending, (uint32_t)x + 1);
			rt_store_release(&rt_hash_entry(m, base, (uint32_t)x)->home, b + 1);
		} else {
			x = -RT_ENOENT;
		}
		rt_store_release(&shard->top, top - 1);
	}
	rt_unlock(&shard->lock);
	return x;
}

/* First every shard that is free at once, then those that must be waited for. */
static int64_t take_any(rt_map m, void *base, uint32_t b, uint64_t me)
{
	uint32_t k = rt_hash_shards(m), first = RT_OWNER_TID(me);
	bool busy = false;

	for (int wait = 0; wait <= 1; wait++) {
		for (uint32_t i = 0; i < k; i++) {
			int64_t x = take(m, base, (first + i) % k, b, me, wait);

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

/* A dead process may hold entries in buckets that nobody has visited since. */
static void collect(rt_map m, void *base, uint64_t me)
{
	for (uint32_t b = 0; b < rt_hash_buckets(m); b++) {
		struct rt_bucket *bucket = rt_hash_bucket(m, base, b);

		if (!rt_load(&bucket->pending) || rt_load(&bucket->lock) == me)
			continue;
		if (!rt_lock_part(&bucket->lock, me)) {
			rt_hash_repair(m, base, b, me);
			rt_unlock(&bucket->lock);
		}
	}
}

static bool time_to_collect(void *base)
{
	uint64_t n = rt_add(&((struct rt_hash *)base)->full, 1) + 1;

	return !(n & (n - 1)) || !(n & 4095);
}

/* The value of entry e, whose bucket is locked and whose `which` copy nobody reads.  From a process
 * (RT_HASH_ALL_CPUS) come the values of all CPUs; a program gives its own, of a new entry the
 * others are 0 then. */
static void write_value(rt_map m, void *base, struct rt_entry *e, uint64_t which, const void *value,
			uint64_t flags, bool new)
{
	uint32_t cpus;

	if (m->type == MAP_TYPE_lpm_trie || m->type == MAP_TYPE_task_storage) {
		const struct rt_lpm_value *v = value;
		char *to = rt_hash_value(m, base, e, which);

		rt_copy_in(to, v->data, v->data_bytes);
		if (v->value)
			rt_copy_in(to + v->value_off, v->value, v->value_bytes);
		for (uint32_t i = 0; !v->value && i < v->value_bytes; i += 8)
			rt_store((uint64_t *)(to + v->value_off + i), 0);
		return;
	}
	if (!rt_hash_is_percpu(m)) {
		rt_value_in(m, rt_hash_value(m, base, e, which), value);
		return;
	}
	cpus = rt_header(base)->cpu_count;
	if (flags & RT_HASH_ALL_CPUS) {
		for (uint32_t c = 0; c < cpus; c++)
			rt_copy_words(rt_hash_cpu_value(m, base, e, c),
				      (const char *)value + c * rt_stride(m), rt_stride(m));
		return;
	}
	for (uint32_t c = 0; new && c < cpus; c++)
		for (uint64_t i = 0; i < rt_stride(m); i += 8)	/* somebody may still copy what was there */
			rt_store((uint64_t *)((char *)rt_hash_cpu_value(m, base, e, c) + i), 0);
	rt_copy_in(rt_hash_value(m, base, e, which), value, m->value_size);
}

/* b is locked and the key is not there. */
static int insert(rt_map m, void *base, uint32_t b, const void *key, const void *value,
		  uint64_t flags, uint64_t me)
{
	struct rt_bucket *bucket = rt_hash_bucket(m, base, b);
	int64_t x = take_any(m, base, b, me);
	struct rt_entry *e;
	uint64_t state;

	if (x < 0)
		return (int)x;
	e = rt_hash_entry(m, base, (uint32_t)x);
	state = (rt_load(&e->state) & ~(uint64_t)(RT_LIVE | RT_ACTIVE)) + RT_SEQUENCE;
	rt_store_release(&e->state, state);
	rt_copy_in(rt_hash_key(e), key, m->key_size);
	write_value(m, base, e, state, value, flags, true);
	if (rt_hash_is_lru(m))
		rt_store(rt_hash_used(m, e), rt_add(&((struct rt_hash *)base)->tick, 1) + 1);
	rt_store_release(&e->next, rt_load(&bucket->head));
	rt_store_release(&bucket->head, (uint32_t)x);
	rt_store_release(&e->state, state | RT_LIVE);
	rt_store_release(&bucket->pending, 0);
	return 0;
}

/* b is locked, nothing is pending. */
static int put(rt_map m, void *base, uint32_t b, const void *key, const void *value,
	       uint64_t flags, uint64_t me)
{
	uint64_t state;
	bool lost;
	struct rt_entry *e = rt_hash_walk(m, base, b, key, &state, &lost);

	if (!e)
		return flags & MAP_EXIST ? -RT_ENOENT : insert(m, base, b, key, value, flags, me);
	if (flags & MAP_NOEXIST)
		return -RT_EEXIST;
	if (flags & MAP_LOCK)	/* in place, for those who have its address */
		return (int)rt_value_put((uint64_t)m, (uint64_t)base,
					 (uint64_t)rt_hash_value(m, base, e, state), (uint64_t)value);
	rt_hash_touch(m, base, e);
	write_value(m, base, e, state ^ RT_ACTIVE, value, flags, false);
	if (!rt_hash_is_percpu(m))
		rt_store_release(&e->state, (state ^ RT_ACTIVE) + RT_SEQUENCE);
	return 0;
}

/* The word that leads to entry e of bucket b: a predecessor's next, or head. */
static uint32_t *link_to(rt_map m, void *base, uint32_t b, const struct rt_entry *e)
{
	uint32_t *link = &rt_hash_bucket(m, base, b)->head;

	for (uint32_t steps = m->max_entries; steps; steps--) {
		struct rt_entry *at = rt_hash_entry(m, base, rt_load(link));

		if (at == e)
			return link;
		link = &at->next;
	}
	return link;
}

/* Entry e of bucket b, which is locked and has nothing pending, goes to the free ones. */
static void take_out(rt_map m, void *base, uint32_t b, struct rt_entry *e, uint64_t me)
{
	struct rt_bucket *bucket = rt_hash_bucket(m, base, b);
	uint32_t x = rt_hash_index(m, base, e), s = x % rt_hash_shards(m);
	struct rt_shard *shard = rt_hash_shard(base, s);

	rt_store_release(&bucket->pending, x + 1);
	rt_store_release(link_to(m, base, b, e), rt_load(&e->next));
	make_unlive(e);
	if (rt_lock_part(&shard->lock, me))
		return;		/* it stays pending */
	push(m, base, shard, rt_hash_stack(m, base, s), x);
	rt_unlock(&shard->lock);
	rt_store_release(&bucket->pending, 0);
}

/* The entry that was not used for longest of those that are looked at; any that was not for as
 * many inserts as half the map is old enough. */
static uint32_t victim(rt_map m, void *base)
{
	struct rt_hash *h = base;
	uint64_t tick = rt_load(&h->tick), hand = rt_load(&h->hand), most = 0;
	uint32_t best = RT_HASH_END, n = m->max_entries, scan = n < LRU_SCAN ? n : LRU_SCAN;

	for (uint32_t k = 0; k < scan && most <= n / 2; k++, hand++) {
		struct rt_entry *e = rt_hash_entry(m, base, (uint32_t)(hand % n));
		uint64_t age = tick - rt_load(rt_hash_used(m, e)) + 1;

		if (rt_load(&e->state) & RT_LIVE && rt_load(&e->home) && age > most) {
			most = age;
			best = (uint32_t)(hand % n);
		}
	}
	rt_store(&h->hand, hand);
	return best;
}

/* Makes room.  No bucket is locked by this operation: two at a time never are (H5). */
static bool evict(rt_map m, void *base, uint64_t me)
{
	uint32_t x = victim(m, base), b;
	struct rt_entry *e;

	if (x == RT_HASH_END) {
		collect(m, base, me);
		return true;
	}
	e = rt_hash_entry(m, base, x);
	b = rt_load(&e->home) - 1;
	if (b >= rt_hash_buckets(m) || rt_hash_enter(m, base, b, me))
		return false;
	if (rt_load(&e->home) == b + 1 && in_chain(m, base, b, x))
		take_out(m, base, b, e, me);
	rt_unlock(&rt_hash_bucket(m, base, b)->lock);
	return true;
}

/* One try of an update.  locked_by: the owner word if the bucket is locked already, else 0. */
static int try_put(rt_map m, void *base, uint32_t b, const void *key, const void *value,
		   uint64_t flags, uint64_t me, bool locked)
{
	int r = locked ? rt_hash_repair(m, base, b, me) : 0;

	if (!locked && rt_hash_enter(m, base, b, me))
		return -RT_EBUSY;
	if (!r)
		r = put(m, base, b, key, value, flags, me);
	rt_unlock(&rt_hash_bucket(m, base, b)->lock);
	return r;
}

uint64_t rt_hash_put(uint64_t map, uint64_t at, uint64_t k, uint64_t v, uint64_t flags,
		     uint64_t locked_by)
{
	rt_map m = (rt_map)map;
	void *base = (void *)at;
	const void *key = (const void *)k, *value = (const void *)v;
	uint64_t me = locked_by ? locked_by : rt_me();
	uint32_t b = rt_hash_of(m, base, key);
	int r = try_put(m, base, b, key, value, flags, me, locked_by);

	if (rt_hash_is_lru(m)) {
		for (int i = 0; r == -RT_E2BIG && i < LRU_TRIES; i++) {
			evict(m, base, me);
			r = try_put(m, base, b, key, value, flags, me, false);
		}
		if (r == -RT_E2BIG)
			r = -RT_ENOMEM;
	} else if (r == -RT_E2BIG && time_to_collect(base)) {
		collect(m, base, me);
		r = try_put(m, base, b, key, value, flags, me, false);
	}
	return (uint64_t)(int64_t)(r == -RT_EBUSY ? rt_busy() : r);
}

int rt_hash_take(rt_map m, void *base, const void *key, void *value, uint64_t flags)
{
	uint32_t b = rt_hash_of(m, base, key);
	uint64_t me = rt_me(), state;
	struct rt_entry *e;
	int r = -RT_ENOENT;
	bool lost;

	if (rt_hash_enter(m, base, b, me))
		return rt_busy();
	e = rt_hash_walk(m, base, b, key, &state, &lost);
	if (e)
		r = 0;
	if (e && flags & MAP_LOCK)
		r = rt_value_get(m, base, value, rt_hash_value(m, base, e, state));
	else if (e && value)
		rt_hash_copy_out(m, base, e, state, value);
	if (!r)
		take_out(m, base, b, e, me);
	rt_unlock(&rt_hash_bucket(m, base, b)->lock);
	return r;
}

/* The entry behind link i of the chain of a locked bucket, NULL at its end. */
static struct rt_entry *linked(rt_map m, void *base, uint32_t i)
{
	return i < m->max_entries ? rt_hash_entry(m, base, i) : NULL;
}

int64_t rt_hash_bucket_out(rt_map m, void *base, uint32_t b, uint32_t room, void *keys, void *values,
			   uint64_t value_bytes, bool take)
{
	struct rt_bucket *bucket = rt_hash_bucket(m, base, b);
	uint64_t me = rt_me();
	struct rt_entry *e;
	uint32_t n = 0;

	if (rt_load_acquire(&bucket->head) == (RT_HASH_END | b))
		return 0;
	if (rt_hash_enter(m, base, b, me))
		return -RT_EBUSY;
	for (e = linked(m, base, rt_load(&bucket->head)); e; e = linked(m, base, rt_load(&e->next)))
		if (n++ == room || n > m->max_entries) {
			rt_unlock(&bucket->lock);
			return -RT_ENOSPC;
		}
	e = linked(m, base, rt_load(&bucket->head));
	for (uint32_t i = 0; i < n && e; i++) {
		struct rt_entry *next = linked(m, base, rt_load(&e->next));

		rt_copy_words((char *)keys + (uint64_t)i * m->key_size, rt_hash_key(e), m->key_size);
		rt_hash_copy_out(m, base, e, rt_load(&e->state), (char *)values + i * value_bytes);
		if (take)
			take_out(m, base, b, e, me);
		e = next;
		if (take && rt_load(&bucket->pending) && rt_hash_repair(m, base, b, me))
			n = i + 1;	/* one at a time can be on its way */
	}
	rt_unlock(&bucket->lock);
	return n;
}

uint64_t rt_hash_del(uint64_t map, uint64_t at, uint64_t k)
{
	return (uint64_t)(int64_t)rt_hash_take((rt_map)map, (void *)at, (const void *)k, NULL, 0);
}

/* A walk without the lock lost its way: a few more, then one under the lock. */
uint64_t rt_hash_find(uint64_t map, uint64_t at, uint64_t k)
{
	rt_map m = (rt_map)map;
	void *base = (void *)at;
	const void *key = (const void *)k;
	uint32_t b = rt_hash_of(m, base, key);
	struct rt_entry *e = NULL;
	uint64_t state = 0;
	bool lost = true;

	for (int i = 0; i < RT_HASH_RESTARTS && lost; i++)
		e = rt_hash_walk(m, base, b, key, &state, &lost);
	if (lost && rt_hash_enter(m, base, b, rt_me())) {
		rt_busy();	/* a helper cannot say so: the answer is that there is none */
	} else if (lost) {
		e = rt_hash_walk(m, base, b, key, &state, &lost);
		rt_unlock(&rt_hash_bucket(m, base, b)->lock);
	}
	if (e)
		rt_hash_touch(m, base, e);
	return e ? (uint64_t)rt_hash_value(m, base, e, state) : 0;
}
