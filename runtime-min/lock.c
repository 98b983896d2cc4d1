/* SPDX-License-Identifier: MIT
 *
 * lock.c - waiting for a lock, and taking it over from the dead (docs/maps.md). */
#include "lock.h"

#include "arch/x86_64/sys.h"
#include "proc.h"

enum {
	SPINS = 200,
	SLEEP_FIRST_NS = 50000, SLEEP_LAST_NS = 2000000,
	WAIT_NS = 20000000,	/* in all */
	STALLED_NS = 100000000,	/* an owner that was waited for in vain is not waited for again */
};

uint64_t *rt_busy_counter;

/* The last wait that ran out.  Races only make a wait longer or shorter. */
static uint64_t stalled_at, stalled_owner, stalled_until;

static uint64_t now_ns(void)
{
	struct rt_timespec t = { 0, 0 };

	rt_sys2(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
	return (uint64_t)t.s * 1000000000 + (uint64_t)t.ns;
}

bool rt_owner_dead(uint64_t owner, uint64_t me)
{
	if (!RT_OWNER_NS(owner) || RT_OWNER_NS(owner) != RT_OWNER_NS(me))
		return false;
	return rt_thread_gone(RT_OWNER_TID(owner), RT_OWNER_START(owner),
			      (1u << RT_START_BITS) - 1);
}

int rt_busy(void)
{
	uint64_t *n = rt_load(&rt_busy_counter);

	if (n)
		rt_add(n, 1);
	return -RT_EBUSY;
}

static bool stalled(const uint64_t *lock, uint64_t owner, uint64_t now)
{
	return rt_load(&stalled_at) == (uint64_t)(uintptr_t)lock &&
	       rt_load(&stalled_owner) == owner && now < rt_load(&stalled_until);
}

static void remember_stall(const uint64_t *lock, uint64_t owner, uint64_t now)
{
	rt_store(&stalled_at, (uint64_t)(uintptr_t)lock);
	rt_store(&stalled_owner, owner);
	rt_store(&stalled_until, now + STALLED_NS);
}

/* Until the word changes (seen at the next look), or `ns` have passed. */
static void sleep_on(uint64_t *lock, uint64_t owner, int64_t ns)
{
	struct rt_timespec t = { 0, ns };

	rt_sys6(SYS_futex, (uint64_t)(uintptr_t)lock, FUTEX_WAIT, (uint32_t)owner,
		(uint64_t)(uintptr_t)&t, 0, 0);
}

int rt_lock_wait(uint64_t *lock, uint64_t me)
{
	uint64_t owner = 0, began, now;
	int64_t ns = SLEEP_FIRST_NS;

	for (int i = 0; i < SPINS; i++) {
		owner = rt_load(lock);
		if (owner == me)
			return -RT_EBUSY;
		if (!owner && rt_cas(lock, &owner, me))
			return 0;
		rt_pause();
	}
	began = now = now_ns();
	for (;;) {
		owner = rt_load(lock);
		if (owner == me)
			return -RT_EBUSY;
		if ((!owner || rt_owner_dead(owner, me)) && rt_cas(lock, &owner, me))
			return 0;
		if (!owner)
			continue;
		if (stalled(lock, owner, now))
			return -RT_EBUSY;
		if (now - began >= WAIT_NS)
			break;
		sleep_on(lock, owner, ns);
		if (ns < SLEEP_LAST_NS)
			ns *= 2;
		now = now_ns();
	}
	remember_stall(lock, owner, now);
	return -RT_EBUSY;
}
