/* SPDX-License-Identifier: MIT
 *
 * ident.c - who and where: CPU, user, command name; and random numbers. */
#include "hooks.h"
#include "rt_helpers.h"

/* The kernel keeps the CPU's number in the limit of one segment (x86-64: CPU_NODE_SEG), for
 * its own vDSO; `lsl` reads it. */
RT_FAST uint64_t bpftime_h_get_smp_processor_id(void)
{
#ifdef __x86_64__
	enum { CPU_NODE_SEG = 15 * 8 + 3, CPU_BITS = 12 };
	uint32_t limit = 0;
	bool ok;

	__asm__ volatile("lsl %2, %0" : "+r"(limit), "=@ccz"(ok) : "r"(CPU_NODE_SEG));
	if (rt_likely(ok))
		return limit & ((1u << CPU_BITS) - 1);
#endif
	return bpftime_rt1_cpu();
}

RT_FAST uint64_t bpftime_h_get_current_uid_gid(void)
{
	return bpftime_rt1_uid_gid();
}

RT_FAST uint64_t bpftime_h_get_current_comm(void *to, uint64_t bytes)
{
	return bpftime_rt1_comm((uint64_t)to, bytes);
}

RT_FAST uint64_t bpftime_h_get_prandom_u32(void)
{
	return bpftime_rt1_random() & 0xffffffff;
}

RT_FAST uint64_t bpftime_h_get_attach_cookie(void *ctx)
{
	return ((const struct bpftime_frame_x86_64 *)ctx)->cookie;
}

RT_FAST uint64_t bpftime_h_get_func_ip(void *ctx)
{
	return ((const struct bpftime_frame_x86_64 *)ctx)->func_ip;
}
