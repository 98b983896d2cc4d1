/* SPDX-License-Identifier: MIT
 *
 * hash_slow.c - the parts of a hash map that are not inlined: insert, delete, repair.
 * The order of the stores is the protocol: docs/maps.md, modelled in docs/model/hash.pml. */
#include "hash_slow.h"

enum {
	LRU_SCAN = 256,		/* entries looked at for a victim */
	LRU_TRIES = 64,		/* victims that others took, or that somebody works on */
};

/* A map with its layout, worked out once an operation: here, unlike where a program is compiled, the
 * attributes are no constants. */
struct view {
	rt_map    m;
	void     *base;
	struct rt_hash_layout at;
	struct rt_bucket *buckets;
};

static void look_at(struct view *v, rt_map m, void *base)
{
	v->m = m;
	v->base = base;
	v->at = rt_hash_layout(m);
	v->buckets = (struct rt_bucket *)((char *)base + v->at.buckets_off);
}

static struct rt_entry *entry(const struct view *v, uint32_t x)
{
	return (struct rt_entry *)((char *)v->base + v->at.entries_off + x * v->at.entry_bytes);
}

static uint64_t *used(const struct view *v, uint32_t x)
{
	return (uint64_t *)((char *)entry(v, x) + v->at.used_off);
}

static char *cpu_value(const struct view *v, uint32_t x, uint32_t cpu)
{
	return (char *)v->base + v->at.values_off + cpu * v->at.block + x * v->at.stride;
}

static char *value_of(const struct view *v, uint32_t x, uint64_t state)
{
	if (v->at.percpu)
		return cpu_value(v, x, rt_cpu_slot());
	return (char *)entry(v, x) + v->at.value_off + (state & RT_ACTIVE ? v->at.stride : 0);
}

/* Once, not wherever a key comes in; but not RT_COLD: every update goes through it. */
static __attribute__((noinline)) uint32_t bucket_of(const struct view *v, const void *key)
{
	return rt_hash_of(v->m, v->base, key);
}

static uint32_t index_of(const struct view *v, const struct rt_entry *e)
{
	return (uint32_t)((uint64_t)((const char *)e - ((const char *)v->base + v->at.entries_off)) / v->at.entry_bytes);
}

/* A program used the entry now. */
static void touch(const struct view *v, struct rt_entry *e)
{
	uint64_t *at = (uint64_t *)((char *)e + v->at.used_off), tick;

	if (!v->at.lru)
		return;
	tick = rt_load(&((const struct rt_hash *)v->base)->tick);
	if (rt_load(at) != tick)	/* else the line stays clean */
		rt_store(at, tick);
}

/* Without the bucket's lock it may lose its way. */
static RT_COLD struct rt_entry *walk(const struct view *v, uint32_t b, const void *key, uint64_t *state, bool *lost)
{
	return rt_hash_walk_in(&v->at, v->m, v->base, b, key, state, lost);
}

/* The link of bucket b's chain that leads to entry x; NULL: there is none.  Under b's lock. */
static uint32_t *link_to(const struct view *v, uint32_t b, uint32_t x)
{
	uint32_t *link = &v->buckets[b].head;

	for (uint32_t i, steps = v->m->max_entries; (i = rt_load(link)) < v->m->max_entries && steps--; link = &entry(v, i)->next)
		if (i == x)
			return link;
	return NULL;
}

/* The link to the live entry with that key, which is *x: the link may be another one when it is read again
 * in a damaged file.  NULL: there is none.  Under b's lock. */
static uint32_t *find(const struct view *v, uint32_t b, const void *key, uint32_t *x)
{
	uint32_t *link = &v->buckets[b].head;

	for (uint32_t i, steps = v->m->max_entries; (i = rt_load(link)) < v->m->max_entries && steps--; link = &entry(v, i)->next)
		if (rt_load(&entry(v, i)->state) & RT_LIVE &&
		    rt_equal(rt_hash_key(entry(v, i)), key, v->m->key_size)) {
			*x = i;
			return link;
		}
	return NULL;
}

/* ---- free entries ---- */

static uint32_t shard_of(const struct view *v, uint32_t x)
{
	return x & (v->at.shards - 1);	/* a power of two of them */
}

static uint32_t *stack_of(const struct view *v, uint32_t s)
{
	return (uint32_t *)((char *)v->base + v->at.stack_off) + (uint64_t)s * v->at.per_shard;
}

/* What no writer stores; a damaged file may hold more. */
static uint32_t top_of(const struct view *v, const struct rt_shard *s)
{
	uint32_t top = rt_load(&s->top);

	return top < v->at.per_shard ? top : v->at.per_shard;
}

static RT_COLD bool is_free(const struct view *v, uint32_t x)
{
	uint32_t s = shard_of(v, x), top = top_of(v, rt_hash_shard(v->base, s));
	const uint32_t *stack = stack_of(v, s);

	for (uint32_t i = 0; i < top; i++)
		if (rt_load(&stack[i]) == x)
			return true;
	return false;
}

/* Under the shard's lock. */
static void push(const struct view *v, uint32_t x)
{
	struct rt_shard *s = rt_hash_shard(v->base, shard_of(v, x));
	uint32_t top = top_of(v, s);

	if (top < v->at.per_shard) {
		rt_store(&stack_of(v, shard_of(v, x))[top], x);
		rt_store_release(&s->top, top + 1);
	}
	rt_store_release(&entry(v, x)->home, 0);
}

/* Takes a free entry of shard s for bucket b, which is locked.
 * Returns the entry, -ENOENT when there is none, -EBUSY. */
static int64_t take(const struct view *v, uint32_t s, uint32_t b, uint64_t me, bool wait)
{
	struct rt_shard *shard = rt_hash_shard(v->base, s);
	int64_t x = -RT_ENOENT;
	uint32_t top;

	if (!top_of(v, shard))
		return -RT_ENOENT;
	if (!rt_lock_try(&shard->lock, me) && (!wait || rt_lock_wait(&shard->lock, me)))
		return -RT_EBUSY;
	top = top_of(v, shard);
	if (top) {
		x = rt_load(&stack_of(v, s)[top - 1]);
		if (x < v->m->max_entries) {
			rt_store_release(&v->buckets[b].pending, (uint32_t)x + 1);
			rt_store_release(&entry(v, (uint32_t)x)->home, b + 1);
		} else {
			x = -RT_ENOENT;
		}
		rt_store_release(&shard->top, top - 1);
	}
	rt_unlock(&shard->lock);
	return x;
}

/* First every shard that is free at once, then those that must be waited for. */
static int64_t take_any(const struct view *v, uint32_t b, uint64_t me)
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

static void make_unlive(const struct view *v, uint32_t x)
{
	struct rt_entry *e = entry(v, x);

	rt_store_release(&e->state, (rt_load(&e->state) & ~(uint64_t)RT_LIVE) + RT_SEQUENCE);
	if (!v->m->timer)
		return;
	rt_timer_forget(v->m, value_of(v, x, 0));
	rt_timer_forget(v->m, value_of(v, x, RT_ACTIVE));
}

/* ---- what the dead left ---- */

/* Finishes what is pending in bucket b, which is locked.  0 or -EBUSY. */
static RT_COLD int repair(const struct view *v, uint32_t b, uint64_t me)
{
	struct rt_bucket *bucket = &v->buckets[b];
	uint32_t x = rt_load(&bucket->pending) - 1;
	struct rt_shard *shard;
	struct rt_entry *e;

	if (x == UINT32_MAX)
		return 0;
	if (x >= v->m->max_entries) {
		rt_store_release(&bucket->pending, 0);
		return 0;
	}
	e = entry(v, x);
	if (link_to(v, b, x)) {
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
				make_unlive(v, x);
				push(v, x);
			}
		}
		rt_unlock(&shard->lock);
	}
	rt_store_release(&bucket->pending, 0);
	return 0;
}

/* Takes the bucket's lock and leaves nothing pending. */
static int enter(const struct view *v, uint32_t b, uint64_t me)
{
	if (rt_lock_part(&v->buckets[b].lock, me))
		return -RT_EBUSY;
	if (rt_likely(!rt_load(&v->buckets[b].pending)) || !repair(v, b, me))
		return 0;
	rt_unlock(&v->buckets[b].lock);
	return -RT_EBUSY;
}

static void leave(const struct view *v, uint32_t b)
{
	rt_unlock(&v->buckets[b].lock);
}

int rt_hash_enter(rt_map m, void *base, uint32_t b, uint64_t me)
{
	struct view v;

	look_at(&v, m, base);
	return enter(&v, b, me);
}

/* A dead process may hold entries in buckets that nobody has visited since. */
static RT_COLD void collect(const struct view *v, uint64_t me)
{
	for (uint32_t b = 0; b < v->at.buckets; b++) {
		struct rt_bucket *bucket = &v->buckets[b];

		if (!rt_load(&bucket->pending) || rt_load(&bucket->lock) == me)
			continue;
		if (!rt_lock_part(&bucket->lock, me)) {
			repair(v, b, me);
			leave(v, b);
		}
	}
}

static RT_COLD bool time_to_collect(void *base)
{
	uint64_t n = rt_add(&((struct rt_hash *)base)->full, 1) + 1;

	return !(n & (n - 1)) || !(n & 4095);
}

/* ---- insert and update ---- */

/* From a process come the values of all CPUs; a program gives its own, of a new entry the others are
 * 0 then. */
static void write_cpu_values(const struct view *v, uint32_t x, const void *value, uint64_t flags, bool new)
{
	uint32_t cpus = rt_map_cpus(v->m, v->base);

	for (uint32_t c = 0; flags & RT_HASH_ALL_CPUS && c < cpus; c++)
		rt_copy_words(cpu_value(v, x, c), (const char *)value + c * v->at.stride, v->at.stride);
	if (flags & RT_HASH_ALL_CPUS)
		return;
	for (uint32_t c = 0; new && c < cpus; c++)
		for (uint64_t i = 0; i < v->at.stride; i += 8)	/* somebody may still copy what was there */
			rt_store((uint64_t *)(cpu_value(v, x, c) + i), 0);
	rt_copy_in(cpu_value(v, x, rt_cpu_slot()), value, v->m->value_size);
}

/* The value of entry x, whose bucket is locked and whose copy of that state nobody reads. */
static void write_value(const struct view *v, uint32_t x, uint64_t state, const void *value, uint64_t flags,
			bool new)
{
	if (v->m->type == MAP_TYPE_lpm_trie || v->m->type == MAP_TYPE_task_storage) {
		const struct rt_lpm_value *two = value;
		char *to = value_of(v, x, state);

		rt_copy_in(to, two->data, two->data_bytes);
		if (two->value)
			rt_copy_in(to + two->value_off, two->value, two->value_bytes);
		for (uint32_t i = 0; !two->value && i < two->value_bytes; i += 8)
			rt_store((uint64_t *)(to + two->value_off + i), 0);
	} else if (v->at.percpu) {
		write_cpu_values(v, x, value, flags, new);
	} else {
		rt_value_in(v->m, value_of(v, x, state), value);
	}
}

/* b is locked and the key is not there. */
static int insert(const struct view *v, uint32_t b, const void *key, const void *value, uint64_t flags,
		  uint64_t me)
{
	struct rt_bucket *bucket = &v->buckets[b];
	int64_t x = take_any(v, b, me);
	struct rt_entry *e;
	uint64_t state;

	if (x < 0)
		return (int)x;
	e = entry(v, (uint32_t)x);
	state = (rt_load(&e->state) & ~(uint64_t)(RT_LIVE | RT_ACTIVE)) + RT_SEQUENCE;
	rt_store_release(&e->state, state);
	rt_copy_in(rt_hash_key(e), key, v->m->key_size);
	write_value(v, (uint32_t)x, state, value, flags, true);
	if (v->at.lru)
		rt_store(used(v, (uint32_t)x), rt_add(&((struct rt_hash *)v->base)->tick, 1) + 1);
	rt_store_release(&e->next, rt_load(&bucket->head));
	rt_store_release(&bucket->head, (uint32_t)x);
	rt_store_release(&e->state, state | RT_LIVE);
	rt_store_release(&bucket->pending, 0);
	return 0;
}

/* b is locked, nothing is pending. */
static int put(const struct view *v, uint32_t b, const void *key, const void *value, uint64_t flags,
	       uint64_t me)
{
	struct rt_entry *e;
	uint64_t state;
	uint32_t x;

	if (!find(v, b, key, &x))
		return flags & MAP_EXIST ? -RT_ENOENT : insert(v, b, key, value, flags, me);
	if (flags & MAP_NOEXIST)
		return -RT_EEXIST;
	e = entry(v, x);
	state = rt_load(&e->state);
	if (flags & MAP_LOCK)	/* in place, for those who have its address */
		return (int)rt_value_put((uint64_t)v->m, (uint64_t)v->base,
					 (uint64_t)value_of(v, x, state), (uint64_t)value);
	touch(v, e);
	write_value(v, x, state ^ RT_ACTIVE, value, flags, false);
	if (v->at.percpu)
		return 0;
	rt_store_release(&e->state, (state ^ RT_ACTIVE) + RT_SEQUENCE);
	rt_timer_forget(v->m, value_of(v, x, state));
	return 0;
}

/* One try of an update.  locked: by `me`, already. */
static int try_put(const struct view *v, uint32_t b, const void *key, const void *value, uint64_t flags,
		   uint64_t me, bool locked)
{
	int r = locked ? repair(v, b, me) : 0;

	if (!locked && enter(v, b, me))
		return -RT_EBUSY;
	if (!r)
		r = put(v, b, key, value, flags, me);
	leave(v, b);
	return r;
}

/* ---- delete ---- */

/* Entry x, behind `link` of bucket b, which is locked and has nothing pending, goes to the free ones. */
static void take_out(const struct view *v, uint32_t b, uint32_t *link, uint32_t x, uint64_t me)
{
	struct rt_bucket *bucket = &v->buckets[b];
	struct rt_shard *shard = rt_hash_shard(v->base, shard_of(v, x));
	struct rt_entry *e = entry(v, x);

	rt_store_release(&bucket->pending, x + 1);
	rt_store_release(link, rt_load(&e->next));
	make_unlive(v, x);
	if (rt_lock_part(&shard->lock, me))
		return;		/* it stays pending */
	push(v, x);
	rt_unlock(&shard->lock);
	rt_store_release(&bucket->pending, 0);
}

/* The entry that was not used for longest of those that are looked at; any that was not for as
 * many inserts as half the map is old enough. */
static uint32_t victim(const struct view *v)
{
	struct rt_hash *h = v->base;
	uint64_t tick = rt_load(&h->tick), hand = rt_load(&h->hand), most = 0;
	uint32_t best = RT_HASH_END, scan = v->m->max_entries < LRU_SCAN ? v->m->max_entries : LRU_SCAN;
	uint32_t x = (uint32_t)(hand < v->m->max_entries ? hand : hand % v->m->max_entries);

	for (uint32_t k = 0; k < scan && most <= v->m->max_entries / 2; k++) {
		const struct rt_entry *e = entry(v, x);
		uint64_t age = tick - rt_load(used(v, x)) + 1;

		if (rt_load(&e->state) & RT_LIVE && rt_load(&e->home) && age > most) {
			most = age;
			best = x;
		}
		x = x + 1 < v->m->max_entries ? x + 1 : 0;
	}
	rt_store(&h->hand, x);
	return best;
}

/* Makes room.  No bucket is locked by this operation: two at a time never are (H5). */
static bool evict(const struct view *v, uint64_t me)
{
	uint32_t x = victim(v), b, *link;

	if (x == RT_HASH_END) {
		collect(v, me);
		return true;
	}
	b = rt_load(&entry(v, x)->home) - 1;
	if (b >= v->at.buckets || enter(v, b, me))
		return false;
	link = rt_load(&entry(v, x)->home) == b + 1 ? link_to(v, b, x) : NULL;
	if (link)
		take_out(v, b, link, x, me);
	leave(v, b);
	return true;
}

uint64_t rt_hash_put(uint64_t map, uint64_t at, uint64_t k, uint64_t val, uint64_t flags,
		     uint64_t locked_by)
{
	rt_map m = (rt_map)map;
	void *base = (void *)at;
	const void *key = (const void *)k, *value = (const void *)val;
	uint64_t me = locked_by ? locked_by : rt_me();
	struct view v;
	uint32_t b;
	int r;

	look_at(&v, m, base);
	b = bucket_of(&v, key);
	r = try_put(&v, b, key, value, flags, me, locked_by);
	if (v.at.lru) {
		for (int i = 0; r == -RT_E2BIG && i < LRU_TRIES; i++) {
			evict(&v, me);
			r = try_put(&v, b, key, value, flags, me, false);
		}
		if (r == -RT_E2BIG)
			r = -RT_ENOMEM;
	} else if (r == -RT_E2BIG && time_to_collect(base)) {
		collect(&v, me);
		r = try_put(&v, b, key, value, flags, me, false);
	}
	return (uint64_t)(int64_t)(r == -RT_EBUSY ? rt_busy() : r);
}

/* The value as a process gets it: of per-CPU kinds those of all CPUs. */
static RT_COLD void copy_out(const struct view *v, uint32_t x, void *value)
{
	uint32_t cpus = v->at.percpu ? rt_map_cpus(v->m, v->base) : 0;

	if (!v->at.percpu)
		rt_value_out(v->m, value, value_of(v, x, rt_load(&entry(v, x)->state)));
	for (uint32_t c = 0; c < cpus; c++)
		rt_copy_words((char *)value + c * v->at.stride, cpu_value(v, x, c), v->at.stride);
}

int rt_hash_take(rt_map m, void *base, const void *key, void *value, uint64_t flags)
{
	uint32_t b, x = 0, *link;
	uint64_t me = rt_me();
	struct view v;
	int r = -RT_ENOENT;

	look_at(&v, m, base);
	b = bucket_of(&v, key);
	if (enter(&v, b, me))
		return rt_busy();
	link = find(&v, b, key, &x);
	if (link)
		r = 0;
	if (link && flags & MAP_LOCK)
		r = rt_value_get(m, base, value, value_of(&v, x, rt_load(&entry(&v, x)->state)));
	else if (link && value)
		copy_out(&v, x, value);
	if (!r)
		take_out(&v, b, link, x, me);
	leave(&v, b);
	return r;
}

RT_COLD int64_t rt_hash_bucket_out(rt_map m, void *base, uint32_t b, uint32_t room, void *keys, void *values,
			   uint64_t value_bytes, bool take)
{
	uint64_t me = rt_me();
	struct view v;
	uint32_t n = 0, x, next;

	look_at(&v, m, base);
	if (rt_load_acquire(&v.buckets[b].head) == (RT_HASH_END | b))
		return 0;
	if (enter(&v, b, me))
		return -RT_EBUSY;
	for (x = rt_load(&v.buckets[b].head); x < v.m->max_entries; x = rt_load(&entry(&v, x)->next))
		if (n++ == room || n > v.m->max_entries) {
			leave(&v, b);
			return -RT_ENOSPC;
		}
	x = rt_load(&v.buckets[b].head);
	for (uint32_t i = 0; i < n && x < v.m->max_entries; i++, x = next) {
		next = rt_load(&entry(&v, x)->next);
		rt_copy_words((char *)keys + (uint64_t)i * m->key_size, rt_hash_key(entry(&v, x)), m->key_size);
		copy_out(&v, x, (char *)values + i * value_bytes);
		if (take)
			take_out(&v, b, &v.buckets[b].head, x, me);
		if (take && rt_load(&v.buckets[b].pending) && repair(&v, b, me))
			n = i + 1;	/* one at a time can be on its way */
	}
	leave(&v, b);
	return n;
}

uint64_t rt_hash_del(uint64_t map, uint64_t at, uint64_t k)
{
	return (uint64_t)(int64_t)rt_hash_take((rt_map)map, (void *)at, (const void *)k, NULL, 0);
}

/* A walk without the lock lost its way: a few more, then one under the lock. */
RT_COLD uint64_t rt_hash_find(uint64_t map, uint64_t at, uint64_t k)
{
	const void *key = (const void *)k;
	struct rt_entry *e = NULL;
	uint64_t state = 0, me;
	bool lost = true;
	struct view v;
	uint32_t b;

	look_at(&v, (rt_map)map, (void *)at);
	b = bucket_of(&v, key);
	for (int i = 0; i < RT_HASH_RESTARTS && lost; i++)
		e = walk(&v, b, key, &state, &lost);
	if (lost) {
		me = rt_me();
		if (enter(&v, b, me)) {
			rt_busy();	/* a helper cannot say so: the answer is that there is none */
			return 0;
		}
		e = walk(&v, b, key, &state, &lost);
		leave(&v, b);
	}
	if (!e)
		return 0;
	touch(&v, e);
	return (uint64_t)value_of(&v, index_of(&v, e), state);
}
