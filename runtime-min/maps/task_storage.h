/* SPDX-License-Identifier: MIT
 *
 * task_storage.h - BPF_MAP_TYPE_TASK_STORAGE: a hash map of threads (docs/maps.md).
 *
 *     key    the thread's owner word (self.h), or where that says too little a random number and the
 *            thread's id
 *     value  struct rt_task, then the map's own value */
#ifndef BPFTIME_RUNTIME_TASK_STORAGE_H
#define BPFTIME_RUNTIME_TASK_STORAGE_H

#include "hash_slow.h"

struct rt_task {
	uint64_t used;		/* CLOCK_MONOTONIC_COARSE of the thread's last call, ns */
	uint32_t start;		/* when the thread began, RT_START_BITS of clock ticks; 0: not known */
	uint32_t unnamed;	/* the key is not an owner word */
};

enum {
	RT_TASKS_MIN = 64, RT_TASKS_MAX = 8192,
	RT_TASKS_BYTES = 8 << 20,	/* of values, where that gives a number between these */
};

/* Threads at a time; the kernel has no such number and max_entries is 0. */
RT_INLINE uint32_t rt_tasks(rt_map m)
{
	uint64_t n = RT_TASKS_BYTES / rt_round_up(m->value_size + 1ull, 8);

	return n > RT_TASKS_MAX ? RT_TASKS_MAX : n < RT_TASKS_MIN ? RT_TASKS_MIN : (uint32_t)n;
}

RT_INLINE struct bpftime_map rt_tasks_hash(rt_map m)
{
	return (struct bpftime_map){
		.type = MAP_TYPE_task_storage, .key_size = sizeof(uint64_t),
		.value_size = (uint32_t)sizeof(struct rt_task) + m->value_size, .max_entries = rt_tasks(m),
	};
}

#pragma GCC visibility push(hidden)
/* The key of the running thread; *unnamed: see above.  0: it cannot be told from others. */
uint64_t rt_task_key(uint32_t *unnamed);
/* Entries of threads that have ended are free again.  Returns how many. */
uint32_t rt_task_sweep(rt_map h, void *base);
/* key: a thread id.  0 or -errno. */
int rt_task_remove(rt_map m, void *base, const void *key);
#pragma GCC visibility pop

#endif
