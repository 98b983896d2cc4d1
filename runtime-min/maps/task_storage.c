/* SPDX-License-Identifier: MIT
 *
 * task_storage.c - BPF_MAP_TYPE_TASK_STORAGE: programs have helpers of its own for it
 * (helpers/task.c), none that take a key. */
#include "kinds.h"

RT_FAST void *rt_task_storage_lookup(rt_map m, void *base, const void *key)
{
	(void)m, (void)base, (void)key;
	return NULL;
}

RT_FAST int rt_task_storage_update(rt_map m, void *base, const void *key, const void *value,
				   uint64_t flags)
{
	(void)m, (void)base, (void)key, (void)value, (void)flags;
	return -RT_EOPNOTSUPP;
}

/* A process's: key is a thread id. */
RT_FAST int rt_task_storage_remove(rt_map m, void *base, const void *key)
{
	return (int)bpftime_rt1_task_del((uint64_t)m, (uint64_t)base, (uint64_t)key);
}
