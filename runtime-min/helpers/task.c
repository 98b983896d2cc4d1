/* SPDX-License-Identifier: MIT
 *
 * task.c - about the running task.  struct task_struct is the kernel's: a pointer to it is
 * NULL here, and what a program reads through it is not readable. */
#include "cpu.h"
#include "rt_helpers.h"

RT_FAST uint64_t bpftime_h_get_current_task(void)
{
	return 0;
}

RT_FAST uint64_t bpftime_h_get_current_task_btf(void)
{
	return 0;
}

RT_FAST uint64_t bpftime_h_get_numa_node_id(void)
{
	return rt_node_now();
}

RT_FAST uint64_t bpftime_h_get_current_cgroup_id(void)
{
	return bpftime_rt1_cgroup_id();
}

RT_FAST uint64_t bpftime_h_current_task_under_cgroup(const struct bpftime_map *m, void *base,
						     uint64_t index)
{
	return bpftime_rt1_under_cgroup((uint64_t)m, (uint64_t)base, index);
}

RT_FAST uint64_t bpftime_h_get_ns_current_pid_tgid(uint64_t dev, uint64_t ino, void *to,
						   uint64_t bytes)
{
	return bpftime_rt1_ns_pid_tgid(dev, ino, (uint64_t)to, bytes);
}

RT_FAST uint64_t bpftime_h_send_signal(uint64_t signal)
{
	return bpftime_rt1_send_signal(signal);
}

RT_FAST uint64_t bpftime_h_send_signal_thread(uint64_t signal)
{
	return bpftime_rt1_send_signal_thread(signal);
}
