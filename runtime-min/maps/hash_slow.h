/* SPDX-License-Identifier: MIT
 *
 * hash_slow.h - steps that the slow and the process-side operations share. */
#ifndef BPFTIME_RUNTIME_HASH_SLOW_H
#define BPFTIME_RUNTIME_HASH_SLOW_H

#include "hash.h"

/* In flags of rt_hash_put(): the value is those of all CPUs, each a stride; it is a struct rt_hash_parts. */
#define RT_HASH_ALL_CPUS (1ull << 63)
#define RT_HASH_PARTS (1ull << 62)

/* value NULL: zeros. */
struct rt_hash_parts {
	const void *data, *value;
	uint32_t    data_bytes, value_off, value_bytes;
};

#pragma GCC visibility push(hidden)
/* Takes bucket b's lock and leaves nothing pending but a spare entry.  0 or -EBUSY, which is not counted. */
int rt_hash_enter(const struct rt_hash_view *v, uint32_t b, uint64_t me);
/* Copies the value to `value` unless that is NULL, with MAP_LOCK under its lock, and deletes the
 * key.  0, -ENOENT, -EBUSY. */
int rt_hash_take(rt_map m, void *base, const void *key, void *value, uint64_t flags);
/* Copies the elements of bucket b, and with `take` deletes them: all, or none when there is
 * room for fewer (-ENOSPC); a busy shard leaves some for another call.  Returns how many; -EBUSY. */
int64_t rt_hash_bucket_out(const struct rt_hash_view *v, uint32_t b, uint32_t room, void *keys, void *values,
			   uint64_t value_bytes, bool take);
/* The value as a process gets it: of per-CPU kinds those of all CPUs. */
void rt_hash_copy_out(const struct rt_hash_view *v, uint32_t x, uint64_t state, void *value);
/* rt_hash_put() of a value in two parts. */
int64_t rt_hash_put_parts(rt_map m, void *base, const void *key, const struct rt_hash_parts *p, uint64_t flags);

/* What some kinds have beyond the attributes of all: 0 or -errno.  Their files come along with these. */
int rt_hash_lru_check(rt_map m);
int rt_hash_percpu_check(rt_map m);

/* Steps for those files, and theirs. */

/* The link of bucket b's chain that leads to entry x; NULL: there is none.  Under b's lock. */
uint32_t *rt_hash_link_to(const struct rt_hash_view *v, uint32_t b, uint32_t x);
/* Entry x, behind `link` of bucket b, which is locked, goes to the free ones, or, with `keep`, becomes b's spare
 * entry if it may.  0; -EBUSY: it is still there, since what was pending could not be finished. */
int rt_hash_take_out(const struct rt_hash_view *v, uint32_t b, uint32_t *link, uint32_t x, uint64_t me, bool keep);
/* Gives back the spare entries of all buckets, and what the dead hold in buckets that nobody has visited since. */
void rt_hash_collect(const struct rt_hash_view *v, uint64_t me);
/* Deletes a key that was not used for long.  No bucket is locked by the operation: two at a time never are (H5). */
void rt_hash_evict(const struct rt_hash_view *v, uint64_t me);
/* From a process come the values of all CPUs; a program gives its own, of a new entry the others are 0 then. */
void rt_hash_write_cpus(const struct rt_hash_view *v, uint32_t x, const void *value, uint64_t flags, bool new);
void rt_hash_read_cpus(const struct rt_hash_view *v, uint32_t x, void *value);
void rt_hash_write_parts(char *to, const struct rt_hash_parts *p);
#pragma GCC visibility pop

#endif
