/* SPDX-License-Identifier: MIT
 *
 * random.c - bpf_get_prandom_u32: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) over a
 * counter that the time stamp counter disturbs, so that a child made by fork() goes its
 * own way.  Not for secrets, as in the kernel. */
#include "arch/x86_64/sys.h"
#include "rt_base.h"

static uint64_t counter;

uint64_t rt_random(void)
{
	uint64_t z = rt_add(&counter, 0x9e3779b97f4a7c15u) + rt_cycles();

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (z ^ z >> 31) >> 32;
}
