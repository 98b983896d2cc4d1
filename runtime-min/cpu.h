/* SPDX-License-Identifier: MIT
 *
 * cpu.h - the number of the CPU this runs on, without a system call where it can be had. */
#ifndef BPFTIME_RUNTIME_CPU_H
#define BPFTIME_RUNTIME_CPU_H

#include "rt_base.h"

#pragma GCC visibility push(hidden)
/* CPUs that per-CPU maps have room for; 0 before init. */
extern uint32_t bpftime_rt1_cpus;

/* Number of possible CPUs, from /sys; 1 or more. */
uint32_t rt_cpu_possible(void);
/* Remembers it for the payload's per-CPU maps. */
uint32_t rt_cpu_setup(void);
#pragma GCC visibility pop

#ifdef __x86_64__
enum { RT_CPU_BITS = 12 };

/* The kernel keeps the numbers of the CPU and, above them, of its node in the limit of one
 * segment (CPU_NODE_SEG), for its own vDSO; `lsl` reads it. */
RT_INLINE bool rt_cpu_and_node(uint32_t *out)
{
	enum { CPU_NODE_SEG = 15 * 8 + 3 };
	bool ok;

	*out = 0;
	__asm__ volatile("lsl %2, %0" : "+r"(*out), "=@ccz"(ok) : "r"(CPU_NODE_SEG));
	return rt_likely(ok);
}
#endif

/* May be out of date as soon as it returns: a process cannot forbid preemption. */
RT_INLINE uint32_t rt_cpu_now(void)
{
#ifdef __x86_64__
	uint32_t both;

	if (rt_cpu_and_node(&both))
		return both & ((1u << RT_CPU_BITS) - 1);
#endif
	return (uint32_t)bpftime_rt1_cpu();
}

/* Number of the memory node. */
RT_INLINE uint32_t rt_node_now(void)
{
#ifdef __x86_64__
	uint32_t both;

	if (rt_cpu_and_node(&both))
		return both >> RT_CPU_BITS;
#endif
	return (uint32_t)bpftime_rt1_node();
}

/* Index into a per-CPU map. */
RT_INLINE uint32_t rt_cpu_slot(void)
{
	uint32_t c = rt_cpu_now();

	return rt_likely(c < rt_load(&bpftime_rt1_cpus)) ? c : 0;
}

#endif
