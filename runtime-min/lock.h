/* SPDX-License-Identifier: MIT
 *
 * lock.h - lock words that name their owner (docs/maps.md). */
#ifndef BPFTIME_RUNTIME_LOCK_H
#define BPFTIME_RUNTIME_LOCK_H

#include "self.h"

#pragma GCC visibility push(hidden)
/* Where operations that end with -EBUSY are counted; NULL: nowhere. */
extern uint64_t *rt_busy_counter;

/* Waits for a lock that was found taken, takes it over from a dead owner.
 * Returns 0 when it is `me`'s, or -EBUSY, which is not counted.  Source: docs/maps.md, Lock words. */
int rt_lock_wait(uint64_t *lock, uint64_t me);

/* An operation ends with -EBUSY: counts it, returns it. */
int rt_busy(void);

/* Is it proved that this owner does not run any more? */
bool rt_owner_dead(uint64_t owner, uint64_t me);

/* Index + 1 of my namespace in a table of RT_NS_TABLE, in which it is put if it is not there yet
 * (0 = unused; what is in stays); 0 when it is unknown or there is no place left. */
uint32_t rt_ns_index(uint32_t *ns, uint64_t me);
/* The same proof for an rt_owner_word(). */
bool rt_owner_word_dead(const uint32_t *ns, uint32_t owner, uint64_t me);
#pragma GCC visibility pop

RT_INLINE bool rt_lock_try(uint64_t *lock, uint64_t me)
{
	uint64_t none = 0;

	return rt_likely(rt_cas(lock, &none, me));
}

/* For an operation that may go on without the lock; one that ends returns rt_busy(). */
RT_INLINE int rt_lock_part(uint64_t *lock, uint64_t me)
{
	return rt_lock_try(lock, me) ? 0 : rt_lock_wait(lock, me);
}

/* For an operation that ends when the lock stays taken. */
RT_INLINE int rt_lock(uint64_t *lock, uint64_t me)
{
	return rt_lock_part(lock, me) ? rt_busy() : 0;
}

RT_INLINE void rt_unlock(uint64_t *lock)
{
	rt_store_release(lock, 0);
}

#endif
