/* SPDX-License-Identifier: MIT
 *
 * ring_slow.c - a ring buffer when it is full, contended, or a consumer sleeps.
 * docs/maps.md; modelled in docs/model/ring.pml. */
#include "ring_slow.h"

#include "arch/x86_64/sys.h"
#include "proc.h"

enum { WAKE_ALL = INT32_MAX };

struct rt_rings bpftime_rt1_rings;

void rt_ring_reap(rt_map m, void *base, uint64_t me)
{
	struct rt_ring *r = rt_ring(base);
	uint64_t prod = rt_ring_next(base);

	for (uint32_t n = m->max_entries / RT_RING_HDR; n--;) {
		uint64_t pend = rt_ring_advance(m, base, prod);
		uint32_t *hdr = rt_ring_record(m, base, pend), len;

		if (!rt_ring_any(m, pend, prod))
			return;
		len = rt_load_acquire(hdr);
		if (!(len & RT_RING_BUSY))
			continue;
		if (!rt_owner_word_dead(r->ns, rt_load(&hdr[1]), me))
			return;
		rt_store_release(hdr, (len & ~RT_RING_BUSY) | RT_RING_DISCARD);
		rt_store(&r->reaped, rt_load(&r->reaped) + 1);
	}
}

static bool room(rt_map m, struct rt_ring *r, uint64_t next, uint64_t pend)
{
	uint64_t mask = m->max_entries - 1;

	return next - rt_load(&r->cons_seen) <= mask && next - pend <= mask;
}

uint64_t rt_ring_reserve(uint64_t map, uint64_t at, uint64_t bytes, uint64_t locked_by)
{
	rt_map m = (rt_map)map;
	void *base = (void *)at, *sample = NULL;
	struct rt_ring *r = rt_ring(base);
	uint64_t me = locked_by ? locked_by : rt_me(), prod, pend, next;

	if (!locked_by && rt_lock(&r->lock, me))
		return 0;
	prod = rt_ring_next(base);
	next = prod + rt_round_up(bytes + RT_RING_HDR, 8);
	pend = rt_ring_advance(m, base, prod);
	rt_store(&r->cons_seen, rt_load_acquire(rt_ring_consumer(base)));
	if (pend < prod && (rt_load(&r->stuck) % RT_RING_STUCK == 0 || !room(m, r, next, pend))) {
		rt_ring_reap(m, base, me);
		pend = rt_load(rt_ring_pending(base));
	}
	if (room(m, r, next, pend))
		sample = rt_ring_place(m, base, prod, (uint32_t)bytes,
				       rt_owner_word(me, rt_ns_index(r->ns, me)));
	else
		rt_store(&r->drops, rt_load(&r->drops) + 1);
	rt_unlock(&r->lock);
	return (uint64_t)sample;
}

void rt_ring_notify(rt_map m, void *base, const void *sample, uint64_t flags)
{
	struct rt_ring *r = rt_ring(base);
	const char *hdr = (const char *)sample - RT_RING_HDR;
	uint64_t cons;

	if (!rt_load(&r->waiting) || rt_ring_quiet(flags))
		return;
	cons = rt_load_acquire(rt_ring_consumer(base));
	if (!(flags & RB_FORCE_WAKEUP) && (char *)rt_ring_record(m, base, cons) != hdr)
		return;
	if (__atomic_exchange_n(&r->waiting, 0, __ATOMIC_SEQ_CST))
		rt_sys3(SYS_futex, &r->waiting, FUTEX_WAKE, WAKE_ALL);
}

uint64_t rt_ring_wake(uint64_t sample, uint64_t flags)
{
	for (int i = 0; i < RT_RINGS; i++) {
		uint64_t bytes = rt_load(&bpftime_rt1_rings.ring[i].bytes);
		struct bpftime_map m = { .max_entries = (uint32_t)(bytes / 2) };

		if (sample - rt_load(&bpftime_rt1_rings.ring[i].data) < bytes) {
			rt_ring_notify(&m, (void *)rt_load(&bpftime_rt1_rings.ring[i].base),
				       (const void *)sample, flags);
			return 0;
		}
	}
	return 0;
}
