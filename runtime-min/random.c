/* SPDX-License-Identifier: MIT
 *
 * random.c - seeds. */
#include "random.h"

#include "arch/x86_64/sys.h"
#include "self.h"

enum { GRND_NONBLOCK = 1 };

uint64_t rt_random_seed(void)
{
	uint64_t v[2] = { 0, 0 };

	if (rt_sys3(SYS_getrandom, v, sizeof(v[0]), GRND_NONBLOCK) != sizeof(v[0])) {
		rt_sys2(SYS_clock_gettime, CLOCK_MONOTONIC, v);
		v[0] = rt_random_mix(v[0] ^ v[1] << 32 ^ (uint64_t)(uintptr_t)v);	/* a stack of one thread */
	}
	return v[0] ? v[0] : 1;
}

/* The first number in this process: a child made by fork() comes here again.  Where the
 * page is not wiped by fork() every number is a seed. */
uint64_t rt_random(void)
{
	uint64_t seed = rt_random_seed();

	if (rt_self_wiped())
		rt_store(&bpftime_rt1_self.random, seed);
	return rt_random_mix(seed) >> 32;
}
