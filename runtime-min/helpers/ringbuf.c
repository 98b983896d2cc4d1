/* SPDX-License-Identifier: MIT
 *
 * ringbuf.c - bpf_ringbuf_reserve, _submit, _discard, _output, _query. */
#include "mem.h"
#include "ring.h"
#include "rt_helpers.h"

RT_FAST void *bpftime_h_ringbuf_reserve(rt_map m, void *base, uint64_t size, uint64_t flags)
{
	return rt_unlikely(flags) ? NULL : rt_ring_reserve_fast(m, base, size);
}

RT_FAST void bpftime_h_ringbuf_submit(void *sample, uint64_t flags)
{
	rt_ring_commit(sample, flags, 0);
}

RT_FAST void bpftime_h_ringbuf_discard(void *sample, uint64_t flags)
{
	rt_ring_commit(sample, flags, RT_RING_DISCARD);
}

RT_FAST uint64_t bpftime_h_ringbuf_output(rt_map m, void *base, const void *data, uint64_t size,
					  uint64_t flags)
{
	void *sample;

	if (rt_unlikely(flags & ~(uint64_t)(RB_NO_WAKEUP | RB_FORCE_WAKEUP)))
		return (uint64_t)-RT_EINVAL;
	sample = rt_ring_reserve_fast(m, base, size);
	if (rt_unlikely(!sample))
		return (uint64_t)-RT_EAGAIN;
	rt_copy(sample, data, size);
	rt_ring_commit(sample, flags, 0);
	return 0;
}

RT_FAST uint64_t bpftime_h_ringbuf_query(rt_map m, void *base, uint64_t what)
{
	uint64_t cons = rt_load_acquire(rt_ring_consumer(base));
	uint64_t prod = rt_load_acquire(rt_ring_producer(base));

	switch (what) {
	case RB_AVAIL_DATA: return prod - cons;
	case RB_RING_SIZE: return m->max_entries;
	case RB_CONS_POS: return cons;
	case RB_PROD_POS: return prod;
	}
	return 0;
}
