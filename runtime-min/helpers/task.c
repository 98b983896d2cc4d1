/* SPDX-License-Identifier: MIT
 *
 * task.c - about the running task.  struct task_struct is the kernel's: the number that stands for
 * one is no address that a program can read here. */
#include "cpu.h"
#include "rt_helpers.h"

RT_FAST uint64_t bpftime_h_get_current_task(void)
{
	return 0;
}

RT_FAST uint64_t bpftime_h_get_current_task_btf(void)
{
	return HELPER_TASK;
}

RT_FAST void *bpftime_h_task_storage_get(const struct bpftime_map *m, void *base, uint64_t task,
					 const void *value, uint64_t flags)
{
	return task ? (void *)bpftime_rt1_task_get((uint64_t)m, (uint64_t)base, (uint64_t)value, flags)
		    : NULL;
}

RT_FAST uint64_t bpftime_h_task_storage_delete(const struct bpftime_map *m, void *base, uint64_t task)
{
	return task ? bpftime_rt1_task_del((uint64_t)m, (uint64_t)base, 0) : (uint64_t)-RT_EINVAL;
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
