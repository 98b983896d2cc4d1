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

/* Kernel: current->tgid << 32 | current->pid.  Mostly one half is asked for: they stay apart to the end, so that
 * who wants the process does not wait for the thread. */
RT_FAST uint64_t bpftime_h_get_current_pid_tgid(void)
{
	uint64_t tgid_hi, both;
	uint32_t tid;

	if (rt_likely(rt_self_tid(rt_load_acquire(&bpftime_rt1_self.tid_off), &tid))) {
		tgid_hi = rt_load(&bpftime_rt1_self.tgid_hi);
	} else {
		both = bpftime_rt1_pid_tgid();
		tgid_hi = both >> 32 << 32;
		tid = (uint32_t)both;
	}
	return tgid_hi | tid;
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
