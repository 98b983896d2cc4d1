/* SPDX-License-Identifier: MIT
 *
 * hash.h - layout of a hash map's data; docs/maps.md has the protocol and invariants.
 * hash, percpu_hash, lru_hash and lru_percpu_hash share it.
 *
 * Every offset is a function of the attributes alone, so that it folds where the map is
 * a constant:
 *
 *     struct rt_hash                     64 bytes
 *     struct rt_shard[K]                 64 bytes each
 *     uint32_t stack[K][per shard]       free entries
 *     struct rt_bucket[B]                16 bytes each
 *     entries[n]                         head, key, value[0], value[1]; lru: used
 *     values[cpus][n]                    per-CPU kinds, instead of those in the entries */
#ifndef BPFTIME_RUNTIME_HASH_H
#define BPFTIME_RUNTIME_HASH_H

#include "cpu.h"
#include "kinds.h"
#include "lock.h"
#include "mem.h"

struct rt_hash {
	uint64_t seed;
	uint64_t full;		/* inserts that found the map full */
	uint64_t tick;		/* lru: inserts so far */
	uint64_t hand;		/* lru: entry at which the search for a victim goes on */
	uint64_t spares;	/* 0: no bucket has a spare entry; RT_SPARES; or who looks for them now */
	uint64_t reserved[3];
};

struct rt_shard {
	uint64_t lock;
	uint32_t top;		/* stack[0..top) are free entries */
	uint32_t reserved[13];
};

struct rt_bucket {
	uint64_t lock;
	uint32_t head;		/* entry, or RT_HASH_END | own index */
	uint32_t pending;	/* entry + 1 on its way in or out; with RT_SPARE at rest; 0 = none */
};

struct rt_entry {
	uint64_t state;		/* sequence << 2 | RT_LIVE | active value */
	uint32_t next;		/* as head */
	uint32_t home;		/* bucket + 1 that has this entry in hand, 0 = free */
	/* key, padded to 8; value[0], value[1], each a stride (not in per-CPU kinds);
	 * lru: uint64_t used, the tick when it was last used by a program */
};

enum {
	RT_HASH_SHARDS = 8, RT_HASH_SHARD_MIN = 64,	/* fewer entries: one shard */
	RT_HASH_ALIGN = 64, RT_HASH_RESTARTS = 16,
	RT_ACTIVE = 1, RT_LIVE = 2, RT_SEQUENCE = 4,
};
#define RT_HASH_END 0x80000000u
#define RT_SPARE 0x80000000u	/* in pending: the entry is free, for whatever key comes to this bucket next */
#define RT_SPARES 1ull		/* no thread's owner word */

/* A map, and where everything of it is: offsets from the map's data, sizes in bytes.  Worked out once an operation,
 * whose steps all take it; where the map is a constant nothing of it is left. */
struct rt_hash_view {
	rt_map   m;
	char    *base;
	uint32_t entries, buckets, shards, per_shard;
	bool     lru, percpu;
	uint64_t value_off, used_off;	/* in an entry; used_off: behind the last value, lru or not */
	uint64_t stride, entry_bytes;	/* a small entry is one cache line, or half of one */
	uint64_t stack_off, buckets_off, entries_off;
	uint64_t values_off, block;	/* per-CPU values: those of one CPU together, in lines of their own */
};

RT_INLINE bool rt_hash_is_lru(rt_map m)
{
	return m->type == MAP_TYPE_lru_hash || m->type == MAP_TYPE_lru_percpu_hash;
}

RT_INLINE bool rt_hash_is_percpu(rt_map m)
{
	return m->type == MAP_TYPE_percpu_hash || m->type == MAP_TYPE_lru_percpu_hash;
}

/* base NULL: for what depends on the attributes alone. */
RT_INLINE struct rt_hash_view rt_hash_view(rt_map m, void *base)
{
	struct rt_hash_view v;	/* no initialiser: it would fill padding, which does not fold */
	uint64_t n;

	v.m = m;
	v.base = base;
	v.shards = 1;
	v.entries = v.per_shard = m->max_entries;
	v.buckets = v.entries <= 1 ? 1 : 1u << (32 - __builtin_clz(v.entries - 1));
	if (v.entries >= RT_HASH_SHARD_MIN) {
		v.shards = RT_HASH_SHARDS;
		v.per_shard = v.entries / RT_HASH_SHARDS + (v.entries % RT_HASH_SHARDS != 0);
	}
	v.lru = rt_hash_is_lru(m);
	v.percpu = rt_hash_is_percpu(m);
	v.stride = rt_stride(m);
	v.value_off = sizeof(struct rt_entry) + rt_round_up(m->key_size, 8);
	v.used_off = v.value_off + (v.percpu ? 0 : 2 * v.stride);
	n = v.used_off + (v.lru ? sizeof(uint64_t) : 0);
	v.entry_bytes = n > 64 ? rt_round_up(n, 16) : n > 32 ? 64 : 32;
	v.stack_off = sizeof(struct rt_hash) + sizeof(struct rt_shard) * v.shards;
	v.buckets_off = rt_round_up(v.stack_off + 4ull * v.shards * v.per_shard, RT_HASH_ALIGN);
	v.entries_off = rt_round_up(v.buckets_off + sizeof(struct rt_bucket) * v.buckets, RT_HASH_ALIGN);
	v.values_off = rt_round_up(v.entries_off + v.entry_bytes * v.entries, RT_HASH_ALIGN);
	v.block = rt_round_up(v.stride * v.entries, RT_HASH_ALIGN);
	return v;
}

/* Of all of the data. */
RT_INLINE uint64_t rt_hash_bytes(const struct rt_hash_view *v, uint32_t cpus)
{
	return v->percpu ? v->values_off + v->block * cpus : v->entries_off + v->entry_bytes * v->entries;
}

RT_INLINE struct rt_hash *rt_hash_head(const struct rt_hash_view *v)
{
	return (struct rt_hash *)v->base;
}

/* The shard of entry i, or of whatever else is to be spread over them. */
RT_INLINE struct rt_shard *rt_hash_shard(const struct rt_hash_view *v, uint32_t i)
{
	return (struct rt_shard *)(v->base + sizeof(struct rt_hash)) + (i & (v->shards - 1));
}

RT_INLINE uint32_t *rt_hash_stack(const struct rt_hash_view *v, uint32_t i)
{
	return (uint32_t *)(v->base + v->stack_off) + (uint64_t)(i & (v->shards - 1)) * v->per_shard;
}

RT_INLINE struct rt_bucket *rt_hash_bucket(const struct rt_hash_view *v, uint32_t b)
{
	return (struct rt_bucket *)(v->base + v->buckets_off) + b;
}

RT_INLINE struct rt_entry *rt_hash_entry(const struct rt_hash_view *v, uint32_t x)
{
	return (struct rt_entry *)(v->base + v->entries_off + x * v->entry_bytes);
}

RT_INLINE void *rt_hash_key(struct rt_entry *e)
{
	return e + 1;
}

RT_INLINE char *rt_hash_cpu_value(const struct rt_hash_view *v, uint32_t x, uint32_t cpu)
{
	return v->base + v->values_off + cpu * v->block + x * v->stride;
}

/* The value that a program sees; of per-CPU kinds this CPU's. */
RT_INLINE char *rt_hash_value(const struct rt_hash_view *v, uint32_t x, uint64_t state)
{
	if (v->percpu)
		return rt_hash_cpu_value(v, x, rt_cpu_slot());
	return (char *)rt_hash_entry(v, x) + v->value_off + (state & RT_ACTIVE ? v->stride : 0);
}

/* A new key has no values yet.  Somebody may still copy what was there. */
RT_INLINE void rt_hash_zero_cpus(const struct rt_hash_view *v, uint32_t x)
{
	char *value = rt_hash_cpu_value(v, x, 0);

	for (uint32_t c = v->percpu ? rt_map_cpus(v->m, v->base) : 0; c--; value += v->block)
		for (uint64_t i = 0; i < v->stride; i += 8)
			rt_store((uint64_t *)(value + i), 0);
}

RT_INLINE uint64_t *rt_hash_used(const struct rt_hash_view *v, uint32_t x)
{
	return (uint64_t *)((char *)rt_hash_entry(v, x) + v->used_off);
}

/* A program used the entry now. */
RT_INLINE void rt_hash_touch(const struct rt_hash_view *v, uint32_t x)
{
	uint64_t tick;

	if (!v->lru)
		return;
	tick = rt_load(&rt_hash_head(v)->tick);
	if (rt_load(rt_hash_used(v, x)) != tick)	/* else the line stays clean */
		rt_store(rt_hash_used(v, x), tick);
}

/* It is inserted now. */
RT_INLINE void rt_hash_start_use(const struct rt_hash_view *v, uint32_t x)
{
	if (v->lru)
		rt_store(rt_hash_used(v, x), rt_add(&rt_hash_head(v)->tick, 1) + 1);
}

RT_INLINE uint64_t rt_hash_mix(uint64_t a, uint64_t b)
{
	unsigned __int128 p = (unsigned __int128)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

RT_INLINE bool rt_hash_flags_ok(rt_map m, uint64_t flags)
{
	return (flags & ~(uint64_t)MAP_LOCK) <= MAP_EXIST && (!(flags & MAP_LOCK) || m->lock);
}

/* Multiply and fold, 8 bytes at a time (as wyhash does).  Returns a bucket. */
RT_INLINE uint32_t rt_hash_of(const struct rt_hash_view *v, const void *key)
{
	uint64_t h = rt_hash_head(v)->seed, w = 0;
	uint32_t n = v->m->key_size, i = 0;

	for (; i + 8 <= n; i += 8)
		h = rt_hash_mix(h ^ RT_LOAD_AT(uint64_t, key, i), 0x9e3779b97f4a7c15ull);
	if (n & 7) {
		if (n & 4) {
			w = RT_LOAD_AT(uint32_t, key, i);
			i += 4;
		}
		for (; i < n; i++)
			w = w << 8 | ((const uint8_t *)key)[i];
		h = rt_hash_mix(h ^ w, 0xd6e8feb86659fd93ull);
	}
	return (uint32_t)h & (v->buckets - 1);
}

/* Was entry x left alone since its state was read, and so is what was read of it meanwhile one update's? */
RT_INLINE bool rt_hash_is_whole(const struct rt_hash_view *v, uint32_t x, uint64_t state)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return rt_load(&rt_hash_entry(v, x)->state) == state;
}

/* 0: `key`, which is in bucket b if anywhere, is entry *x, whose state was *state before and after the key was
 * compared.  -ENOENT: there is none.  Without the lock the walk may be led into another chain, or the state change
 * meanwhile; -EAGAIN then. */
RT_INLINE int rt_hash_walk(const struct rt_hash_view *v, uint32_t b, const void *key, uint32_t *x, uint64_t *state)
{
	uint32_t i = rt_load_acquire(&rt_hash_bucket(v, b)->head), steps = v->entries;

#pragma GCC unroll 1	/* chains are short, and each lookup has the code */
	while (rt_likely(i < v->entries)) {
		struct rt_entry *e = rt_hash_entry(v, i);
		uint64_t s = rt_load_acquire(&e->state);

		if (rt_likely((s & RT_LIVE) && rt_equal(rt_hash_key(e), key, v->m->key_size))) {
			*x = i;
			*state = s;
			return rt_likely(rt_hash_is_whole(v, i, s)) ? 0 : -RT_EAGAIN;
		}
		i = rt_load_acquire(&e->next);
		if (rt_unlikely(!steps--))
			return -RT_EAGAIN;
	}
	return rt_likely(i == (RT_HASH_END | b)) ? -RT_ENOENT : -RT_EAGAIN;
}

/* ---- steps of insert and delete: bucket b is locked ---- */

/* Is nothing on its way in or out? */
RT_INLINE bool rt_hash_at_rest(uint32_t pending)
{
	return (int32_t)pending <= 0;
}

/* The link to the live entry with that key, which is *x: the link may be another one when it is read again
 * in a damaged file.  NULL: there is none. */
RT_INLINE uint32_t *rt_hash_link(const struct rt_hash_view *v, uint32_t b, const void *key, uint32_t *x)
{
	uint32_t *link = &rt_hash_bucket(v, b)->head, steps = v->entries, i;

	while ((i = rt_load(link)) < v->entries && steps--) {
		struct rt_entry *e = rt_hash_entry(v, i);

		if (rt_load(&e->state) & RT_LIVE && rt_equal(rt_hash_key(e), key, v->m->key_size)) {
			*x = i;
			return link;
		}
		link = &e->next;
	}
	return NULL;
}

/* What no writer stores; a damaged file may hold more. */
RT_INLINE uint32_t rt_hash_top(const struct rt_hash_view *v, const struct rt_shard *s)
{
	uint32_t top = rt_load(&s->top);

	return top < v->per_shard ? top : v->per_shard;
}

/* Under the lock of i's shard, too: takes a free entry, which is pending in b then.  RT_HASH_END: there is none. */
RT_INLINE uint32_t rt_hash_pop(const struct rt_hash_view *v, uint32_t i, uint32_t b)
{
	struct rt_shard *shard = rt_hash_shard(v, i);
	uint32_t top = rt_hash_top(v, shard), x;

	if (!top)
		return RT_HASH_END;
	x = rt_load(&rt_hash_stack(v, i)[top - 1]);
	if (x < v->entries) {
		rt_store_release(&rt_hash_bucket(v, b)->pending, x + 1);
		rt_store_release(&rt_hash_entry(v, x)->home, b + 1);
	} else {
		x = RT_HASH_END;
	}
	rt_store_release(&shard->top, top - 1);
	return x;
}

/* Under the lock of x's shard, too. */
RT_INLINE void rt_hash_push(const struct rt_hash_view *v, uint32_t x)
{
	struct rt_shard *shard = rt_hash_shard(v, x);
	uint32_t top = rt_hash_top(v, shard);

	if (top < v->per_shard) {
		rt_store(&rt_hash_stack(v, x)[top], x);
		rt_store_release(&shard->top, top + 1);
	}
	rt_store_release(&rt_hash_entry(v, x)->home, 0);
}

/* Entry x, pending, is about to get another key.  Returns its state, not live, with which copy 0 counts. */
RT_INLINE uint64_t rt_hash_begin(struct rt_entry *e)
{
	uint64_t state = (rt_load(&e->state) & ~(uint64_t)(RT_LIVE | RT_ACTIVE)) + RT_SEQUENCE;

	rt_store_release(&e->state, state);
	return state;
}

/* Key and value are written: it is there from now on. */
RT_INLINE void rt_hash_publish(const struct rt_hash_view *v, uint32_t b, uint32_t x, uint64_t state)
{
	struct rt_bucket *bucket = rt_hash_bucket(v, b);
	struct rt_entry *e = rt_hash_entry(v, x);

	rt_store_release(&e->next, rt_load(&bucket->head));
	rt_store_release(&bucket->head, x);
	rt_store_release(&e->state, state | RT_LIVE);
	rt_store_release(&bucket->pending, 0);
}

RT_INLINE void rt_hash_unlive(const struct rt_hash_view *v, struct rt_entry *e)
{
	char *value = (char *)e + v->value_off;

	rt_store_release(&e->state, (rt_load(&e->state) & ~(uint64_t)RT_LIVE) + RT_SEQUENCE);
	if (!v->m->timer)
		return;
	rt_timer_forget(v->m, value);
	rt_timer_forget(v->m, value + v->stride);
}

/* Entry x behind `link` is not there any more, and pending. */
RT_INLINE void rt_hash_unlink(const struct rt_hash_view *v, uint32_t b, uint32_t *link, uint32_t x)
{
	struct rt_entry *e = rt_hash_entry(v, x);

	rt_store_release(&rt_hash_bucket(v, b)->pending, x + 1);
	rt_store_release(link, rt_load(&e->next));
	rt_hash_unlive(v, e);
}

/* May a bucket keep entry x for itself?  While so many others are free that it is not missed: who finds the
 * map full goes round the buckets for them. */
RT_INLINE bool rt_hash_may_keep(const struct rt_hash_view *v, uint32_t x)
{
	return rt_load(&rt_hash_shard(v, x)->top) > v->per_shard / 2;
}

/* Says that there is a spare entry, before there is.  Under a bucket's lock, which was taken with a full
 * barrier before `spares` is read here: who has it set to other than RT_SPARES later sees the bucket taken. */
RT_INLINE void rt_hash_keep(const struct rt_hash_view *v, uint32_t b, uint32_t x)
{
	struct rt_hash *h = rt_hash_head(v);

	if (rt_unlikely(rt_load(&h->spares) != RT_SPARES))
		rt_store(&h->spares, RT_SPARES);
	rt_store_release(&rt_hash_bucket(v, b)->pending, RT_SPARE | (x + 1));
}

#endif
