/* SPDX-License-Identifier: MIT
 *
 * percpu.h - where the values of per-CPU arrays are. */
#ifndef BPFTIME_RUNTIME_PERCPU_H
#define BPFTIME_RUNTIME_PERCPU_H

#include "cpu.h"
#include "kinds.h"

enum { RT_LINE = 64 };

/* Values of one CPU, in lines of their own. */
RT_INLINE uint64_t rt_percpu_block(rt_map m)
{
	return rt_round_up(rt_stride(m) * m->max_entries, RT_LINE);
}

RT_INLINE void *rt_percpu_value(rt_map m, void *base, uint32_t i, uint32_t cpu)
{
	return (char *)base + cpu * rt_percpu_block(m) + i * rt_stride(m);
}

#endif
