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
#pragma GCC visibility pop

/* May be out of date as soon as it returns: a process cannot forbid preemption.
 *
 * The kernel keeps the CPU's number in the limit of one segment (x86-64: CPU_NODE_SEG), for
 * its own vDSO; `lsl` reads it. */
RT_INLINE uint32_t rt_cpu_now(void)
{
#ifdef __x86_64__
	enum { CPU_NODE_SEG = 15 * 8 + 3, CPU_BITS = 12 };
	uint32_t limit = 0;
	bool ok;

	__asm__ volatile("lsl %2, %0" : "+r"(limit), "=@ccz"(ok) : "r"(CPU_NODE_SEG));
	if (rt_likely(ok))
		return limit & ((1u << CPU_BITS) - 1);
#endif
	return (uint32_t)bpftime_rt1_cpu();
}

/* Number of the memory node. */
RT_INLINE uint32_t rt_node_now(void)
{
#ifdef __x86_64__
	enum { CPU_NODE_SEG = 15 * 8 + 3, CPU_BITS = 12 };
	uint32_t limit = 0;
	bool ok;

	__asm__ volatile("lsl %2, %0" : "+r"(limit), "=@ccz"(ok) : "r"(CPU_NODE_SEG));
	if (rt_likely(ok))
		return limit >> CPU_BITS;
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
