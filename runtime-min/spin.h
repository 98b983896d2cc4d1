/* SPDX-License-Identifier: MIT
 *
 * spin.h - bpf_spin_lock: 32 bits of a map value that name their owner (docs/maps.md).
 *
 * Only maps without rooms have locks, so the header is in front of the data; behind
 * MAPFMT_KIND_OFF in it is the table of the namespaces that owners were in. */
#ifndef BPFTIME_RUNTIME_SPIN_H
#define BPFTIME_RUNTIME_SPIN_H

#include "lock.h"
#include "mapfmt.h"
#include "mem.h"
#include "timer.h"

RT_INLINE uint32_t *rt_spin_namespaces(void *base)
{
	return (uint32_t *)((char *)base - MAPFMT_HEADER_BYTES + MAPFMT_KIND_OFF);
}

/* base: of the map that the lock is in, or NULL: then nobody can prove that its owner is dead.
 * 0, or -EBUSY, counted. */
RT_INLINE int rt_spin_lock(void *base, uint32_t *lock)
{
	uint32_t *ns = base ? rt_spin_namespaces(base) : NULL, none = 0;
	uint64_t me = rt_me();

	if (rt_likely(ns && RT_OWNER_NS(me) && rt_load(ns) == RT_OWNER_NS(me)) &&
	    rt_likely(rt_cas(lock, &none, rt_owner_word(me, 1))))
		return 0;
	return (int)bpftime_rt1_spin_wait((uint64_t)ns, (uint64_t)lock, me);
}

RT_INLINE void rt_spin_unlock(uint32_t *lock)
{
	rt_store_release(lock, 0);
}

/* The parts of a value that are not the program's: a lock, a timer, in the order in which they lie;
 * absent ones are at the end. */
struct rt_hole {
	uint32_t from, to;
};

RT_INLINE void rt_holes(const struct bpftime_map *m, struct rt_hole hole[2])
{
	const struct rt_hole none = { m->value_size, m->value_size };
	struct rt_hole lock = m->lock ? (struct rt_hole){ m->lock - 1, m->lock + 3 } : none;
	struct rt_hole timer = m->timer ? (struct rt_hole){ m->timer - 1, m->timer - 1 + RT_TIMER_BYTES }
					: none;
	bool lock_first = lock.from < timer.from;

	hole[0] = lock_first ? lock : timer;
	hole[1] = lock_first ? timer : lock;
}

/* Copies a value into a map: all of it but the lock.  Its timer ends. */
RT_INLINE void rt_value_in_here(const struct bpftime_map *m, void *to, const void *from)
{
	struct rt_hole hole[2];
	uint32_t at = 0;

	if (!m->lock && !m->timer) {
		rt_copy_in(to, from, m->value_size);
		return;
	}
	rt_holes(m, hole);
	for (int i = 0; i < 2; at = hole[i++].to)
		rt_copy_in((char *)to + at, (const char *)from + at, hole[i].from - at);
	rt_copy_in((char *)to + at, (const char *)from + at, m->value_size - at);
	rt_timer_forget(m, to);
}

/* Copies a value out of a map; where lock and timer are, zeros. */
RT_INLINE void rt_value_out_here(const struct bpftime_map *m, void *to, const void *from)
{
	struct rt_hole hole[2];
	uint32_t at = 0;

	if (!m->lock && !m->timer) {
		rt_copy_words(to, from, m->value_size);
		return;
	}
	rt_holes(m, hole);
	for (int i = 0; i < 2; at = hole[i++].to) {
		rt_copy_words((char *)to + at, (const char *)from + at, hole[i].from - at);
		rt_zero((char *)to + hole[i].from, hole[i].to - hole[i].from);
	}
	rt_copy_words((char *)to + at, (const char *)from + at, m->value_size - at);
}

#pragma GCC visibility push(hidden)
#ifdef RT_BITCODE
#define rt_value_in rt_value_in_here
#define rt_value_out rt_value_out_here
#else
void rt_value_in(const struct bpftime_map *m, void *to, const void *from);
void rt_value_out(const struct bpftime_map *m, void *to, const void *from);
#endif
/* rt_value_out() under the value's lock.  0 or -EBUSY, counted. */
int rt_value_get(const struct bpftime_map *m, void *base, void *to, void *value);
#pragma GCC visibility pop

#endif
