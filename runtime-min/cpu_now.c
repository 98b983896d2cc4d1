/* SPDX-License-Identifier: MIT
 *
 * cpu_now.c - the numbers of the CPU and its node where `rdpid` does not give them, or it is not known yet
 * whether it does (cpu.h). */
#include "cpu.h"

#include "arch/x86_64/sys.h"

enum { UNKNOWN, NO, YES };

uint32_t bpftime_rt1_rdpid;

#ifdef __x86_64__
static void cpuid(uint32_t leaf, uint32_t r[4])
{
	__asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "0"(leaf), "2"(0));
}

/* Where the process has asked for it, `cpuid` is a SIGSEGV, which is not ours to cause. */
static uint32_t ask_for_rdpid(void)
{
	enum { ARCH_GET_CPUID = 0x1011, LEAF = 7, RDPID = 1 << 22 };
	uint32_t r[4];

	if (!rt_sys2(SYS_arch_prctl, ARCH_GET_CPUID, 0))
		return NO;
	cpuid(0, r);
	if (r[0] < LEAF)
		return NO;
	cpuid(LEAF, r);
	return r[2] & RDPID ? YES : NO;
}

/* The limit of this segment holds both as well; `lsl` takes 25 ns on some machines. */
static bool by_segment(uint32_t *both)
{
	enum { CPU_NODE_SEG = 15 * 8 + 3 };
	bool ok;

	*both = 0;
	__asm__ volatile("lsl %2, %0" : "+r"(*both), "=@ccz"(ok) : "r"(CPU_NODE_SEG));
	return ok;
}
#else
static uint32_t ask_for_rdpid(void)
{
	return NO;
}

static bool by_segment(uint32_t *both)
{
	(void)both;
	return false;
}
#endif

static uint32_t both_now(void)
{
	static uint32_t known;
	uint32_t both, cpu = 0, node = 0;

	if (!rt_load(&known)) {
		rt_store(&known, ask_for_rdpid());
		rt_store(&bpftime_rt1_rdpid, rt_load(&known) == YES);
	}
	if (rt_cpu_and_node(&both) || by_segment(&both))
		return both;
	rt_sys3(SYS_getcpu, &cpu, &node, 0);
	return node << RT_CPU_BITS | cpu;
}

uint64_t rt_cpu(void)
{
	return both_now() & ((1u << RT_CPU_BITS) - 1);
}

uint64_t rt_node(void)
{
	return both_now() >> RT_CPU_BITS;
}
