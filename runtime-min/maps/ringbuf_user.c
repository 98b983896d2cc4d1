/* SPDX-License-Identifier: MIT
 *
 * ringbuf_user.c - BPF_MAP_TYPE_RINGBUF as processes see it: reading records, waiting. */
#include "rt_maps.h"

#include "arch/x86_64/sys.h"
#include "ring_slow.h"

enum {
	MS = 1000000,
	NAP_MS = 100,	/* a producer may die on its way to wake us */
};

int rt_ringbuf_check(rt_map m)
{
	if (m->flags & ~(uint32_t)MAP_F_NUMA_NODE || m->key_size || m->value_size ||
	    !m->max_entries || m->max_entries & (m->max_entries - 1) ||
	    m->max_entries % RT_RING_PAGE)
		return -RT_EINVAL;
	return 0;
}

uint64_t rt_ringbuf_size(rt_map m, uint32_t cpus)
{
	(void)cpus;
	return RT_RING_DATA_OFF + (uint64_t)m->max_entries;
}

void rt_ringbuf_format(rt_map m, void *base, uint32_t cpus)
{
	(void)m, (void)base, (void)cpus;
}

int rt_ringbuf_read(rt_map m, void *base, const void *key, void *value, uint64_t flags)
{
	(void)m, (void)base, (void)key, (void)value;
	return flags ? -RT_EINVAL : -RT_ENOTSUPP;
}

int rt_ringbuf_write(rt_map m, void *base, const void *key, const void *value, uint64_t flags)
{
	(void)m, (void)base, (void)key, (void)value, (void)flags;
	return -RT_ENOTSUPP;
}

int rt_ringbuf_next(rt_map m, void *base, const void *key, void *next)
{
	(void)m, (void)base, (void)key, (void)next;
	return -RT_ENOTSUPP;
}

int rt_ringbuf_peek(rt_map map, void *base, const void **sample, uint32_t *bytes)
{
	const struct bpftime_map ring = rt_ring_map(map), *m = &ring;
	uint64_t *consumer = rt_ring_consumer(base), cons = rt_load(consumer), prod;
	uint32_t *hdr, len;

	for (;;) {
		prod = rt_load_acquire(rt_ring_producer(base));
		if (cons >= prod)
			return 0;
		hdr = rt_ring_record(m, base, cons);
		len = rt_load_acquire(hdr);
		if (len & RT_RING_BUSY)
			return 0;
		if (prod - cons > m->max_entries || rt_ring_span(len) > prod - cons)
			return -RT_EIO;
		if (!(len & RT_RING_DISCARD)) {
			*sample = hdr + 2;
			*bytes = len;
			return 1;
		}
		cons += rt_ring_span(len);
		rt_store_release(consumer, cons);
	}
}

void rt_ringbuf_consume(rt_map map, void *base)
{
	const struct bpftime_map ring = rt_ring_map(map), *m = &ring;
	uint64_t *consumer = rt_ring_consumer(base), cons = rt_load(consumer);

	rt_store_release(consumer, cons + rt_ring_span(rt_load(rt_ring_record(m, base, cons))));
}

static int64_t now_ms(void)
{
	struct rt_timespec t = { 0, 0 };

	rt_sys2(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
	return t.s * 1000 + t.ns / MS;
}

/* The oldest record stayed unfinished for a nap: perhaps for ever. */
static void reap(rt_map map, void *base)
{
	const struct bpftime_map ring = rt_ring_map(map);
	struct rt_ring *r = rt_ring(base);
	uint64_t me = rt_me();

	if (rt_lock_part(&r->lock, me))
		return;
	rt_ring_reap(&ring, base, me);
	rt_unlock(&r->lock);
}

int rt_ringbuf_wait(rt_map m, void *base, int32_t timeout_ms)
{
	struct rt_ring *r = rt_ring(base);
	int64_t end = now_ms() + timeout_ms, left;
	struct rt_timespec nap = { 0, 0 };
	const void *sample;
	uint32_t bytes;
	int got;

	for (;;) {
		__atomic_exchange_n(&r->waiting, 1, __ATOMIC_SEQ_CST);
		got = rt_ringbuf_peek(m, base, &sample, &bytes);
		left = timeout_ms < 0 ? NAP_MS : end - now_ms();
		if (got || left <= 0) {
			rt_store(&r->waiting, 0);
			return got;
		}
		nap.ns = (left < NAP_MS ? left : NAP_MS) * MS;
		if (rt_sys6(SYS_futex, (uint64_t)&r->waiting, FUTEX_WAIT, 1,
			    (uint64_t)&nap, 0, 0) == -RT_EINTR)
			return -RT_EINTR;
		reap(m, base);
	}
}

uint64_t rt_ringbuf_drops(void *base)
{
	return rt_load(&rt_ring(base)->drops);
}
