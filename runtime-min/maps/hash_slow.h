/* SPDX-License-Identifier: MIT
 *
 * hash_slow.h - steps that the slow and the process-side operations share. */
#ifndef BPFTIME_RUNTIME_HASH_SLOW_H
#define BPFTIME_RUNTIME_HASH_SLOW_H

#include "hash.h"

/* In flags of rt_hash_put(): the value is those of all CPUs, each a stride. */
#define RT_HASH_ALL_CPUS (1ull << 63)

/* What rt_hash_put() takes as value for the hash map inside an lpm_trie or a task_storage; value NULL: zeros. */
struct rt_lpm_value {
	const void *data, *value;
	uint32_t    data_bytes, value_off, value_bytes;
};

#pragma GCC visibility push(hidden)
/* Takes bucket b's lock and repairs it.  0 or -EBUSY, which is not counted. */
int rt_hash_enter(rt_map m, void *base, uint32_t b, uint64_t me);
/* Copies the value to `value` unless that is NULL, with MAP_LOCK under its lock, and deletes the
 * key.  0, -ENOENT, -EBUSY. */
int rt_hash_take(rt_map m, void *base, const void *key, void *value, uint64_t flags);
/* Copies the elements of bucket b, and with `take` deletes them: all, or none when there is
 * room for fewer (-ENOSPC); a busy shard leaves some for another call.  Returns how many; -EBUSY. */
int64_t rt_hash_bucket_out(rt_map m, void *base, uint32_t b, uint32_t room, void *keys, void *values,
			   uint64_t value_bytes, bool take);
#pragma GCC visibility pop

/* The value as a process gets it: of per-CPU kinds those of all CPUs. */
RT_INLINE void rt_hash_copy_out(rt_map m, void *base, struct rt_entry *e, uint64_t state, void *value)
{
	uint32_t cpus;

	if (!rt_hash_is_percpu(m)) {
		rt_value_out(m, value, rt_hash_value(m, base, e, state));
		return;
	}
	cpus = rt_map_cpus(m, base);
	for (uint32_t c = 0; c < cpus; c++)
		rt_copy_words((char *)value + c * rt_stride(m), rt_hash_cpu_value(m, base, e, c),
			      rt_stride(m));
}

#endif
