/* SPDX-License-Identifier: MIT
 *
 * cpu.h - the number of the CPU this runs on, without a system call where it can be had. */
#ifndef BPFTIME_RUNTIME_CPU_H
#define BPFTIME_RUNTIME_CPU_H

#include "rt_base.h"

#pragma GCC visibility push(hidden)
/* CPUs that per-CPU maps have room for; 0 before init. */
extern uint32_t bpftime_rt1_cpus;
/* 1: this CPU has `rdpid`; known once the number was asked for. */
extern uint32_t bpftime_rt1_rdpid;

/* Number of possible CPUs, from /sys; 1 or more. */
uint32_t rt_cpu_possible(void);
/* Remembers it for the payload's per-CPU maps. */
uint32_t rt_cpu_setup(void);
#pragma GCC visibility pop

/* The kernel keeps the number of the CPU and, above it, that of its node where its vDSO can read them. */
enum { RT_CPU_BITS = 12 };

RT_INLINE bool rt_cpu_and_node(uint32_t *out)
{
#ifdef __x86_64__
	uint64_t both;

	if (rt_unlikely(!rt_load(&bpftime_rt1_rdpid)))
		return false;
	__asm__ volatile("rdpid %0" : "=r"(both));
	*out = (uint32_t)both;
	return true;
#else
	(void)out;
	return false;
#endif
}

/* May be out of date as soon as it returns: a process cannot forbid preemption. */
RT_INLINE uint32_t rt_cpu_now(void)
{
	uint32_t both;

	if (rt_likely(rt_cpu_and_node(&both)))
		return both & ((1u << RT_CPU_BITS) - 1);
	return (uint32_t)bpftime_rt1_cpu();
}

/* Number of the memory node. */
RT_INLINE uint32_t rt_node_now(void)
{
	uint32_t both;

	if (rt_likely(rt_cpu_and_node(&both)))
		return both >> RT_CPU_BITS;
	return (uint32_t)bpftime_rt1_node();
}

/* Index into a per-CPU map. */
RT_INLINE uint32_t rt_cpu_slot(void)
{
	uint32_t c = rt_cpu_now();

	return rt_likely(c < rt_load(&bpftime_rt1_cpus)) ? c : 0;
}

#endif
