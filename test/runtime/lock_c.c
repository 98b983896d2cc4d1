/* SPDX-License-Identifier: MIT */
#include "lock_c.h"

#include "lock.h"

int test_lock(uint64_t *lock)
{
	return rt_lock(lock, rt_me());
}

void test_unlock(uint64_t *lock)
{
	rt_unlock(lock);
}

void test_count_busy(uint64_t *n)
{
	rt_busy_counter = n;
}
