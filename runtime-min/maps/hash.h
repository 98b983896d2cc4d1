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

/* Where everything is: offsets from the map's data, sizes in bytes. */
struct rt_hash_layout {
	uint32_t buckets, shards, per_shard;
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

RT_INLINE uint32_t rt_hash_buckets(rt_map m)
{
	return m->max_entries <= 1 ? 1 : 1u << (32 - __builtin_clz(m->max_entries - 1));
}

RT_INLINE struct rt_hash_layout rt_hash_layout(rt_map m)
{
	struct rt_hash_layout l = { .buckets = rt_hash_buckets(m), .shards = 1, .per_shard = m->max_entries };
	uint64_t n;

	if (m->max_entries >= RT_HASH_SHARD_MIN) {
		l.shards = RT_HASH_SHARDS;
		l.per_shard = m->max_entries / RT_HASH_SHARDS + (m->max_entries % RT_HASH_SHARDS != 0);
	}
	l.lru = rt_hash_is_lru(m);
	l.percpu = rt_hash_is_percpu(m);
	l.stride = rt_stride(m);
	l.value_off = sizeof(struct rt_entry) + rt_round_up(m->key_size, 8);
	l.used_off = l.value_off + (l.percpu ? 0 : 2 * l.stride);
	n = l.used_off + (l.lru ? sizeof(uint64_t) : 0);
	l.entry_bytes = n > 64 ? rt_round_up(n, 16) : n > 32 ? 64 : 32;
	l.stack_off = sizeof(struct rt_hash) + sizeof(struct rt_shard) * l.shards;
	l.buckets_off = rt_round_up(l.stack_off + 4ull * l.shards * l.per_shard, RT_HASH_ALIGN);
	l.entries_off = rt_round_up(l.buckets_off + sizeof(struct rt_bucket) * (uint64_t)l.buckets,
				    RT_HASH_ALIGN);
	l.values_off = rt_round_up(l.entries_off + l.entry_bytes * m->max_entries, RT_HASH_ALIGN);
	l.block = rt_round_up(l.stride * m->max_entries, RT_HASH_ALIGN);
	return l;
}

/* A new key has no values yet.  Somebody may still copy what was there. */
RT_INLINE void rt_hash_zero_cpus(const struct rt_hash_layout *l, rt_map m, void *base, uint32_t x)
{
	char *value = (char *)base + l->values_off + x * l->stride;

	for (uint32_t c = l->percpu ? rt_map_cpus(m, base) : 0; c--; value += l->block)
		for (uint64_t i = 0; i < l->stride; i += 8)
			rt_store((uint64_t *)(value + i), 0);
}

RT_INLINE struct rt_shard *rt_hash_shard(void *base, uint32_t s)
{
	return (struct rt_shard *)((char *)base + sizeof(struct rt_hash)) + s;
}

RT_INLINE uint32_t *rt_hash_stack(rt_map m, void *base, uint32_t s)
{
	struct rt_hash_layout l = rt_hash_layout(m);

	return (uint32_t *)((char *)base + l.stack_off) + (uint64_t)s * l.per_shard;
}

RT_INLINE struct rt_bucket *rt_hash_bucket(rt_map m, void *base, uint32_t b)
{
	return (struct rt_bucket *)((char *)base + rt_hash_layout(m).buckets_off) + b;
}

RT_INLINE struct rt_entry *rt_hash_entry(rt_map m, void *base, uint32_t i)
{
	struct rt_hash_layout l = rt_hash_layout(m);

	return (struct rt_entry *)((char *)base + l.entries_off + i * l.entry_bytes);
}

RT_INLINE void *rt_hash_key(struct rt_entry *e)
{
	return e + 1;
}

RT_INLINE uint32_t rt_hash_index(rt_map m, void *base, const struct rt_entry *e)
{
	return (uint32_t)((uint64_t)((const char *)e - (const char *)rt_hash_entry(m, base, 0)) /
			  rt_hash_layout(m).entry_bytes);
}

RT_INLINE void *rt_hash_cpu_value(rt_map m, void *base, const struct rt_entry *e, uint32_t cpu)
{
	struct rt_hash_layout l = rt_hash_layout(m);

	return (char *)base + l.values_off + cpu * l.block + rt_hash_index(m, base, e) * l.stride;
}

/* The value that a program sees; of per-CPU kinds this CPU's. */
RT_INLINE void *rt_hash_value(rt_map m, void *base, struct rt_entry *e, uint64_t state)
{
	if (rt_hash_is_percpu(m))
		return rt_hash_cpu_value(m, base, e, rt_cpu_slot());
	return (char *)e + rt_hash_layout(m).value_off + ((state & RT_ACTIVE) ? rt_stride(m) : 0);
}

/* A program used the entry now. */
RT_INLINE void rt_hash_touch_in(const struct rt_hash_layout *l, void *base, struct rt_entry *e)
{
	uint64_t *at = (uint64_t *)((char *)e + l->used_off), tick;

	if (!l->lru)
		return;
	tick = rt_load(&((const struct rt_hash *)base)->tick);
	if (rt_load(at) != tick)	/* else the line stays clean */
		rt_store(at, tick);
}

RT_INLINE void rt_hash_touch(rt_map m, void *base, struct rt_entry *e)
{
	struct rt_hash_layout l = rt_hash_layout(m);

	rt_hash_touch_in(&l, base, e);
}

/* It is inserted now. */
RT_INLINE void rt_hash_start_use(const struct rt_hash_layout *l, void *base, struct rt_entry *e)
{
	if (l->lru)
		rt_store((uint64_t *)((char *)e + l->used_off), rt_add(&((struct rt_hash *)base)->tick, 1) + 1);
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
RT_INLINE uint32_t rt_hash_of(rt_map m, const void *base, const void *key)
{
	uint64_t h = ((const struct rt_hash *)base)->seed, w = 0;
	uint32_t n = m->key_size, i = 0;

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
	return (uint32_t)h & (rt_hash_buckets(m) - 1);
}

/* Finds `key` in bucket b.  *state is the entry's, read before and unchanged after the key was compared.  Without
 * the lock the walk may be led into another chain, or the state change meanwhile; then *lost is set and the
 * answer is NULL: try again. */
RT_INLINE struct rt_entry *rt_hash_walk_in(const struct rt_hash_layout *l, rt_map m, void *base, uint32_t b,
					   const void *key, uint64_t *state, bool *lost)
{
	uint32_t i = rt_load_acquire(&((struct rt_bucket *)((char *)base + l->buckets_off))[b].head);
	uint32_t steps = m->max_entries;

	*lost = true;
#pragma GCC unroll 1	/* chains are short, and each lookup has the code */
	while (rt_likely(i < m->max_entries)) {
		struct rt_entry *e = (struct rt_entry *)((char *)base + l->entries_off + i * l->entry_bytes);
		uint64_t s = rt_load_acquire(&e->state);

		if (rt_likely((s & RT_LIVE) && rt_equal(rt_hash_key(e), key, m->key_size))) {
			__atomic_thread_fence(__ATOMIC_ACQUIRE);
			if (rt_unlikely(rt_load(&e->state) != s))
				return NULL;
			*lost = false;
			*state = s;
			return e;
		}
		i = rt_load_acquire(&e->next);
		if (rt_unlikely(!steps--))
			return NULL;
	}
	*lost = i != (RT_HASH_END | b);
	return NULL;
}

RT_INLINE struct rt_entry *rt_hash_walk(rt_map m, void *base, uint32_t b, const void *key,
					uint64_t *state, bool *lost)
{
	struct rt_hash_layout l = rt_hash_layout(m);

	return rt_hash_walk_in(&l, m, base, b, key, state, lost);
}

/* ---- steps of insert and delete: bucket b is locked ---- */

/* Is nothing on its way in or out? */
RT_INLINE bool rt_hash_at_rest(uint32_t pending)
{
	return (int32_t)pending <= 0;
}

/* The link to the live entry with that key, which is *x: the link may be another one when it is read again
 * in a damaged file.  NULL: there is none. */
RT_INLINE uint32_t *rt_hash_link_in(const struct rt_hash_layout *l, rt_map m, void *base, uint32_t b,
				    const void *key, uint32_t *x)
{
	uint32_t *link = &((struct rt_bucket *)((char *)base + l->buckets_off))[b].head, steps = m->max_entries, i;

	while ((i = rt_load(link)) < m->max_entries && steps--) {
		struct rt_entry *e = (struct rt_entry *)((char *)base + l->entries_off + i * l->entry_bytes);

		if (rt_load(&e->state) & RT_LIVE && rt_equal(rt_hash_key(e), key, m->key_size)) {
			*x = i;
			return link;
		}
		link = &e->next;
	}
	return NULL;
}

/* What no writer stores; a damaged file may hold more. */
RT_INLINE uint32_t rt_hash_top(const struct rt_hash_layout *l, const struct rt_shard *s)
{
	uint32_t top = rt_load(&s->top);

	return top < l->per_shard ? top : l->per_shard;
}

RT_INLINE uint32_t *rt_hash_stack_in(const struct rt_hash_layout *l, void *base, uint32_t s)
{
	return (uint32_t *)((char *)base + l->stack_off) + (uint64_t)s * l->per_shard;
}

/* Under the lock of shard s, too: takes a free entry, which is pending in b then.  RT_HASH_END: there is none. */
RT_INLINE uint32_t rt_hash_pop(const struct rt_hash_layout *l, rt_map m, void *base, uint32_t s, uint32_t b)
{
	struct rt_shard *shard = rt_hash_shard(base, s);
	uint32_t top = rt_hash_top(l, shard), x;

	if (!top)
		return RT_HASH_END;
	x = rt_load(&rt_hash_stack_in(l, base, s)[top - 1]);
	if (x < m->max_entries) {
		rt_store_release(&((struct rt_bucket *)((char *)base + l->buckets_off))[b].pending, x + 1);
		rt_store_release(&((struct rt_entry *)((char *)base + l->entries_off + x * l->entry_bytes))->home, b + 1);
	} else {
		x = RT_HASH_END;
	}
	rt_store_release(&shard->top, top - 1);
	return x;
}

/* Under the lock of x's shard s, too. */
RT_INLINE void rt_hash_push(const struct rt_hash_layout *l, void *base, uint32_t s, uint32_t x)
{
	struct rt_shard *shard = rt_hash_shard(base, s);
	uint32_t top = rt_hash_top(l, shard);

	if (top < l->per_shard) {
		rt_store(&rt_hash_stack_in(l, base, s)[top], x);
		rt_store_release(&shard->top, top + 1);
	}
	rt_store_release(&((struct rt_entry *)((char *)base + l->entries_off + x * l->entry_bytes))->home, 0);
}

/* Entry x, pending, is about to get another key.  Returns its state, not live, with which copy 0 counts. */
RT_INLINE uint64_t rt_hash_begin(struct rt_entry *e)
{
	uint64_t state = (rt_load(&e->state) & ~(uint64_t)(RT_LIVE | RT_ACTIVE)) + RT_SEQUENCE;

	rt_store_release(&e->state, state);
	return state;
}

/* Key and value are written: it is there from now on. */
RT_INLINE void rt_hash_publish(struct rt_bucket *bucket, struct rt_entry *e, uint32_t x, uint64_t state)
{
	rt_store_release(&e->next, rt_load(&bucket->head));
	rt_store_release(&bucket->head, x);
	rt_store_release(&e->state, state | RT_LIVE);
	rt_store_release(&bucket->pending, 0);
}

RT_INLINE void rt_hash_unlive(const struct rt_hash_layout *l, rt_map m, struct rt_entry *e)
{
	char *value = (char *)e + l->value_off;

	rt_store_release(&e->state, (rt_load(&e->state) & ~(uint64_t)RT_LIVE) + RT_SEQUENCE);
	if (!m->timer)
		return;
	rt_timer_forget(m, value);
	rt_timer_forget(m, value + l->stride);
}

/* Entry x behind `link` is not there any more, and pending. */
RT_INLINE void rt_hash_unlink(const struct rt_hash_layout *l, rt_map m, struct rt_bucket *bucket, struct rt_entry *e,
			      uint32_t x, uint32_t *link)
{
	rt_store_release(&bucket->pending, x + 1);
	rt_store_release(link, rt_load(&e->next));
	rt_hash_unlive(l, m, e);
}

/* May a bucket keep entry x for itself?  While so many others are free that it is not missed: who finds the
 * map full goes round the buckets for them. */
RT_INLINE bool rt_hash_may_keep(const struct rt_hash_layout *l, void *base, uint32_t x)
{
	return rt_load(&rt_hash_shard(base, x & (l->shards - 1))->top) > l->per_shard / 2;
}

/* Says that there is a spare entry, before there is.  Under a bucket's lock, which was taken with a full
 * barrier before `spares` is read here: who has it set to other than RT_SPARES later sees the bucket taken. */
RT_INLINE void rt_hash_keep(struct rt_bucket *bucket, void *base, uint32_t x)
{
	struct rt_hash *h = base;

	if (rt_unlikely(rt_load(&h->spares) != RT_SPARES))
		rt_store(&h->spares, RT_SPARES);
	rt_store_release(&bucket->pending, RT_SPARE | (x + 1));
}

#endif
