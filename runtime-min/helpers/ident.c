/* SPDX-License-Identifier: MIT
 *
 * ident.c - who and where: CPU, user, command name; and random numbers. */
#include "cpu.h"
#include "hooks.h"
#include "random.h"
#include "rt_helpers.h"
#include "self.h"

RT_FAST uint64_t bpftime_h_get_smp_processor_id(void)
{
	return rt_cpu_now();
}

/* Kernel: current->tgid << 32 | current->pid. */
RT_FAST uint64_t bpftime_h_get_current_pid_tgid(void)
{
	uint32_t tid = rt_self_tid(rt_load_acquire(&bpftime_rt1_self.tid_off));

	if (rt_unlikely(!tid))
		return bpftime_rt1_pid_tgid();
	return rt_load(&bpftime_rt1_self.tgid_hi) | tid;
}

RT_FAST uint64_t bpftime_h_get_current_uid_gid(void)
{
	return bpftime_rt1_uid_gid();
}

RT_FAST uint64_t bpftime_h_get_current_comm(void *to, uint64_t bytes)
{
	return bpftime_rt1_comm((uint64_t)to, bytes);
}

/* Not for secrets, as in the kernel.  No time stamp counter: a process may have forbidden
 * itself to read it (seccomp, PR_SET_TSC). */
RT_FAST uint64_t bpftime_h_get_prandom_u32(void)
{
	uint64_t z = 0;

	if (rt_likely(rt_load(&bpftime_rt1_self.random)))
		z = rt_add(&bpftime_rt1_self.random, RT_RANDOM_STEP);
	if (rt_unlikely(!z))
		return bpftime_rt1_random();
	return rt_random_mix(z) >> 32;
}

RT_FAST uint64_t bpftime_h_get_attach_cookie(void *ctx)
{
	return ((const struct bpftime_frame_x86_64 *)ctx)->cookie;
}

RT_FAST uint64_t bpftime_h_get_func_ip(void *ctx)
{
	return ((const struct bpftime_frame_x86_64 *)ctx)->func_ip;
}
