/* SPDX-License-Identifier: MIT
 *
 * random.h - random numbers that need not be secret. */
#ifndef BPFTIME_RUNTIME_RANDOM_H
#define BPFTIME_RUNTIME_RANDOM_H

#include "rt_base.h"

#define RT_RANDOM_STEP 0x9e3779b97f4a7c15ull

#pragma GCC visibility push(hidden)
/* Never 0. */
uint64_t rt_random_seed(void);
#pragma GCC visibility pop

/* SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): a counter, mixed. */
RT_INLINE uint64_t rt_random_mix(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

#endif
