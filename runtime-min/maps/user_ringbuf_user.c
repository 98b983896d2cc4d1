/* SPDX-License-Identifier: MIT
 *
 * user_ringbuf_user.c - BPF_MAP_TYPE_USER_RINGBUF as processes see it: attributes, and a producer
 * that is ours. */
#include "rt_maps.h"

#include "mem.h"
#include "ring.h"

int rt_user_ringbuf_check(rt_map m)
{
	return rt_ringbuf_check(m);
}

uint64_t rt_user_ringbuf_size(rt_map m, uint32_t cpus)
{
	return rt_ringbuf_size(m, cpus);
}

void rt_user_ringbuf_format(rt_map m, void *base, uint32_t cpus)
{
	(void)m, (void)base, (void)cpus;
}

int rt_user_ringbuf_read(rt_map m, void *base, const void *key, void *value, uint64_t flags)
{
	return rt_ringbuf_read(m, base, key, value, flags);
}

int rt_user_ringbuf_write(rt_map m, void *base, const void *key, const void *value, uint64_t flags)
{
	return rt_ringbuf_write(m, base, key, value, flags);
}

int rt_user_ringbuf_next(rt_map m, void *base, const void *key, void *next)
{
	return rt_ringbuf_next(m, base, key, next);
}

/* The sample lies finished behind producer_pos before that moves over it: one store makes it
 * visible, so that nobody waits for a producer that was killed. */
int rt_user_ringbuf_push(rt_map m, void *base, const void *data, uint32_t bytes)
{
	struct rt_ring *r = rt_ring(base);
	uint64_t span = rt_ring_span(bytes), prod, cons;
	uint32_t *hdr;
	int e;

	if (bytes > RT_RING_LEN || span > m->max_entries)
		return -RT_E2BIG;
	if ((e = rt_lock(&r->producer, rt_me())))
		return e;
	prod = rt_load(rt_ring_producer(base));
	cons = rt_load_acquire(rt_ring_consumer(base));
	if (prod % RT_RING_HDR || prod - cons > m->max_entries) {
		e = -RT_EIO;
	} else if (span > m->max_entries - (prod - cons)) {
		e = -RT_ENOSPC;
	} else {
		hdr = rt_ring_record(m, base, prod);
		rt_copy(hdr + 2, data, bytes);
		rt_store(&hdr[1], 0);
		rt_store(&hdr[0], bytes);
		rt_store_release(rt_ring_producer(base), prod + span);
	}
	rt_unlock(&r->producer);
	return e;
}
