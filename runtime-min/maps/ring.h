/* SPDX-License-Identifier: MIT
 *
 * ring.h - layout of a ring buffer, and the steps that are inlined; docs/maps.md has the
 * protocol.  The three parts behind base are the kernel's (kernel/bpf/ringbuf.c):
 *
 *     base - 4096 + 1024   struct rt_ring
 *     base                 consumer page: consumer_pos
 *     base + 4096          producer page: producer_pos, pending_pos
 *     base + 8192          data, max_entries bytes, mapped twice */
#ifndef BPFTIME_RUNTIME_RING_H
#define BPFTIME_RUNTIME_RING_H

#include "kinds.h"
#include "lock.h"

enum {
	RT_RING_PAGE = 4096, RT_RING_DATA_OFF = 2 * RT_RING_PAGE, RT_RING_HDR = 8,
	RT_RING_STUCK = 64,	/* reserves between looks at an unfinished oldest record */
	RT_RING_FETCH = 15,	/* cache lines of a long record that are fetched before it is written */
};
#define RT_RING_BUSY 0x80000000u
#define RT_RING_DISCARD 0x40000000u
#define RT_RING_LEN (RT_RING_DISCARD - 1)
#define RT_RING_MAX_RECORD 0x3fffffffu	/* UINT_MAX / 4 */

/* A perf_event_array is one such ring, of a size of its own: that of the buffers that libbpf's
 * perf_buffer takes by default, for two CPUs. */
enum { RT_PERF_BYTES = 1 << 19 };

struct rt_ring {
	uint64_t lock;
	uint64_t cons_seen;	/* a consumer_pos read earlier; <= consumer_pos */
	uint64_t drops;
	uint64_t reaped;	/* records of dead owners */
	uint64_t stuck_pos;
	uint32_t stuck;
	uint32_t unused;
	uint64_t producer;	/* user_ringbuf: lock of the producers that are ours */
	uint32_t unused3[2];
	uint32_t waiting;	/* a consumer sleeps, or is about to; futex */
	uint32_t unused2[15];
	uint32_t ns[RT_NS_TABLE];	/* pid namespaces of owners, 0 = unused; never change */
	uint32_t unused4;
};

/* Where the ring buffers of this payload are, for those who only have a sample. */
enum { RT_RINGS = 8 };
struct rt_rings {
	struct {
		uint64_t data;	/* first byte */
		uint64_t bytes;	/* mapped, twice max_entries; 0: unused */
		uint64_t base;
	} ring[RT_RINGS];
};
#pragma GCC visibility push(hidden)
extern struct rt_rings bpftime_rt1_rings;
#pragma GCC visibility pop

/* The ring buffer that a ringbuf or a perf_event_array is. */
RT_INLINE struct bpftime_map rt_ring_map(rt_map m)
{
	return (struct bpftime_map){
		.type = MAP_TYPE_ringbuf,
		.max_entries = m->type == MAP_TYPE_perf_event_array ? RT_PERF_BYTES : m->max_entries,
	};
}

RT_INLINE struct rt_ring *rt_ring(void *base)
{
	return (struct rt_ring *)((char *)base - MAPFMT_HEADER_BYTES + MAPFMT_KIND_OFF);
}

RT_INLINE uint64_t *rt_ring_consumer(void *base)
{
	return (uint64_t *)base;
}

RT_INLINE uint64_t *rt_ring_producer(void *base)
{
	return (uint64_t *)((char *)base + RT_RING_PAGE);
}

RT_INLINE uint64_t *rt_ring_pending(void *base)
{
	return rt_ring_producer(base) + 1;
}

/* The header of the record at a position: len, then owner. */
RT_INLINE uint32_t *rt_ring_record(rt_map m, void *base, uint64_t pos)
{
	return (uint32_t *)((char *)base + RT_RING_DATA_OFF + (pos & (m->max_entries - 1)));
}

RT_INLINE uint64_t rt_ring_span(uint32_t len)
{
	return rt_round_up((uint64_t)(len & RT_RING_LEN) + RT_RING_HDR, 8);
}

/* Where the next record goes. */
RT_INLINE uint64_t rt_ring_next(void *base)
{
	return rt_load(rt_ring_producer(base)) & ~(uint64_t)(RT_RING_HDR - 1);
}

/* Is there a record between the two?  Not where they are further apart than the ring is long: that no
 * producer wrote. */
RT_INLINE bool rt_ring_any(rt_map m, uint64_t pend, uint64_t prod)
{
	return prod - pend - 1 < m->max_entries;
}

/* pending_pos behind all finished records.  Under the lock. */
RT_INLINE uint64_t rt_ring_advance(rt_map m, void *base, uint64_t prod)
{
	uint64_t pend = rt_load(rt_ring_pending(base));

	while (rt_ring_any(m, pend, prod)) {
		uint32_t len = rt_load_acquire(rt_ring_record(m, base, pend));

		if (len & RT_RING_BUSY)
			break;
		pend += rt_ring_span(len);
	}
	rt_store(rt_ring_pending(base), pend);
	return pend;
}

/* Writes the record's header, then makes it visible.  Under the lock; there is room. */
RT_INLINE void *rt_ring_place(rt_map m, void *base, uint64_t prod, uint32_t bytes,
			      uint32_t owner)
{
	uint32_t *hdr = rt_ring_record(m, base, prod);

	rt_store(&hdr[1], owner);
	rt_store(&hdr[0], bytes | RT_RING_BUSY);
	rt_store_release(rt_ring_producer(base), prod + rt_ring_span(bytes));
	return hdr + 2;
}

/* A sample, or NULL: no room, too big, or the lock stayed taken. */
RT_INLINE void *rt_ring_reserve_fast(rt_map m, void *base, uint64_t bytes)
{
	struct rt_ring *r = rt_ring(base);
	uint64_t me, prod, pend, next, mask = m->max_entries - 1;
	uint32_t stuck;
	void *sample;

	if (rt_unlikely(bytes > RT_RING_MAX_RECORD ||
			rt_round_up(bytes + RT_RING_HDR, 8) > m->max_entries))
		return NULL;
	me = rt_me();
	if (rt_unlikely(!rt_lock_try(&r->lock, me)))
		return (void *)bpftime_rt1_ring_reserve((uint64_t)m, (uint64_t)base, bytes, 0);
	prod = rt_ring_next(base);
	next = prod + rt_round_up(bytes + RT_RING_HDR, 8);
	pend = rt_ring_advance(m, base, prod);
	stuck = rt_load(&r->stuck) + (pend < prod);
	rt_store(&r->stuck, stuck);
	if (rt_unlikely(next - rt_load(&r->cons_seen) > mask || next - pend > mask ||
			(pend < prod && stuck % RT_RING_STUCK == 0) ||
			rt_load(&r->ns[0]) != RT_OWNER_NS(me)))
		return (void *)bpftime_rt1_ring_reserve((uint64_t)m, (uint64_t)base, bytes, me);
	sample = rt_ring_place(m, base, prod, (uint32_t)bytes,
			       rt_owner_word(me, RT_OWNER_NS(me) != 0));
	rt_unlock(&r->lock);
	if (bytes > RT_RING_FETCH * RT_CACHE_LINE)
		rt_will_write(sample, RT_RING_FETCH);
	return sample;
}

/* Nobody shall be woken: the kernel lets RB_FORCE_WAKEUP win. */
RT_INLINE bool rt_ring_quiet(uint64_t flags)
{
	return (flags & (RB_NO_WAKEUP | RB_FORCE_WAKEUP)) == RB_NO_WAKEUP;
}

/* discard: 0 or RT_RING_DISCARD */
RT_INLINE void rt_ring_commit(void *sample, uint64_t flags, uint32_t discard)
{
	uint32_t *hdr = (uint32_t *)sample - 2;
	uint64_t base = rt_load(&bpftime_rt1_rings.ring[0].base);

	if (rt_ring_quiet(flags)) {
		rt_store_release(hdr, (rt_load(hdr) & ~RT_RING_BUSY) | discard);
		return;
	}
	__atomic_exchange_n(hdr, (rt_load(hdr) & ~RT_RING_BUSY) | discard, __ATOMIC_SEQ_CST);
	if (rt_likely((uint64_t)sample - rt_load(&bpftime_rt1_rings.ring[0].data) <
		      rt_load(&bpftime_rt1_rings.ring[0].bytes)) &&
	    rt_likely(!rt_load(&rt_ring((void *)base)->waiting)))
		return;
	bpftime_rt1_ring_wake((uint64_t)sample, flags);
}

#endif
