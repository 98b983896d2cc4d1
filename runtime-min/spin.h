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

/* Copies a value into a map: all of it but the lock. */
RT_INLINE void rt_value_in(const struct bpftime_map *m, void *to, const void *from)
{
	uint32_t behind = m->lock + 3;

	if (!m->lock) {
		rt_copy_in(to, from, m->value_size);
		return;
	}
	rt_copy_in(to, from, m->lock - 1);
	rt_copy_in((char *)to + behind, (const char *)from + behind, m->value_size - behind);
}

/* Copies a value out of a map; where the lock is, zeros. */
RT_INLINE void rt_value_out(const struct bpftime_map *m, void *to, const void *from)
{
	uint32_t behind = m->lock + 3;

	if (!m->lock) {
		rt_copy_words(to, from, m->value_size);
		return;
	}
	rt_copy_words(to, from, m->lock - 1);
	rt_zero((char *)to + m->lock - 1, 4);
	rt_copy_words((char *)to + behind, (const char *)from + behind, m->value_size - behind);
}

#pragma GCC visibility push(hidden)
/* rt_value_out() under the value's lock.  0 or -EBUSY, counted. */
int rt_value_get(const struct bpftime_map *m, void *base, void *to, void *value);
#pragma GCC visibility pop

#endif
