/* SPDX-License-Identifier: MIT
 *
 * rt_maps.h - operations on a map's memory, as bpf() offers them to a process.
 *
 * The payload and bpftime-ctl run the same code: a program that links the native archive
 * (target bpftime_rt_archive) may use everything here.  No libc, no allocation, no errno;
 * results are 0 or a negative errno, the kernel's.  docs/maps.md describes the memory.
 *
 * m     the map's attributes: type, key_size, value_size, max_entries, flags and map_extra
 *       are read here, and nothing else
 * base  the first byte of the data (mapfmt.h), page aligned, the header page mapped in front
 *       of it; a ring buffer's data pages must be mapped twice, one after the other (rt_map_mapped_bytes).
 *
 * A caller that maps a file checks its header first (rt_map_header_matches). */
#ifndef BPFTIME_RUNTIME_RT_MAPS_H
#define BPFTIME_RUNTIME_RT_MAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "mapfmt.h"
#include "objfmt.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(hidden)

/* May a map have these attributes?  0, or what BPF_MAP_CREATE says: -EINVAL, -E2BIG. */
int rt_map_check(const struct bpftime_map *m);

/* Bytes of the data, whole pages, for a machine with `cpus` possible CPUs; 0 when
 * rt_map_check() refuses the attributes or the size overflows. */
uint64_t rt_map_size(const struct bpftime_map *m, uint32_t cpus);

/* Bytes of address space behind base; more than rt_map_size() for a ring buffer, whose
 * last max_entries bytes appear twice. */
uint64_t rt_map_mapped_bytes(const struct bpftime_map *m, uint32_t cpus);

/* Makes zeroed data an empty map.  The header, if there is one, must be filled in. */
void rt_map_format(const struct bpftime_map *m, void *base, uint32_t cpus);

/* Fills a header; state stays MAPFMT_EMPTY.  name, object: NUL terminated, cut to fit. */
void rt_map_header(struct mapfmt_header *h, const struct bpftime_map *m, uint32_t cpus,
		   const char *name, const char *object, const uint8_t stamp[8]);
/* Does the file behind this header hold that map, ready for this machine? */
bool rt_map_header_matches(const struct mapfmt_header *h, const struct bpftime_map *m,
			   uint32_t cpus);
/* The attributes a header names; for tools that have no object at hand. */
void rt_map_of_header(struct bpftime_map *m, const struct mapfmt_header *h);

/* What the maps inside a map of maps are like, if they are like m. */
struct mapfmt_inner rt_map_template(const struct bpftime_map *m);
/* May a map of that template hold m? */
bool rt_map_fits(const struct mapfmt_inner *t, const struct bpftime_map *m);
/* Does the file that has this behind its header hold maps as m does?  true where m holds none. */
bool rt_map_same_template(const struct mapfmt_inner *in, const struct bpftime_map *m);

/* Bytes of one value as these functions pass it: value_size, or for per-CPU kinds
 * value_size rounded up to 8, times cpus; for maps of maps a struct mapfmt_ref. */
uint64_t rt_map_value_bytes(const struct bpftime_map *m, uint32_t cpus);

/* Copies the value of a key, never torn between two updates.  -ENOENT; -EINVAL (flags);
 * -EBUSY when a lock stayed taken. */
int rt_map_lookup(const struct bpftime_map *m, void *base, const void *key, void *value,
		  uint64_t flags);
/* -EEXIST, -ENOENT, -E2BIG, -EINVAL, -EBUSY; maps of maps: -EBADF, the value names no map. */
int rt_map_update(const struct bpftime_map *m, void *base, const void *key,
		  const void *value, uint64_t flags);
/* -ENOENT, -EINVAL, -EBUSY. */
int rt_map_delete(const struct bpftime_map *m, void *base, const void *key);
/* Lookup and delete in one step (BPF_MAP_LOOKUP_AND_DELETE_ELEM).  -ENOENT, -EINVAL (flags),
 * -EBUSY; -ENOTSUPP: a kind that has no such operation. */
int rt_map_take(const struct bpftime_map *m, void *base, const void *key, void *value,
		uint64_t flags);
/* May processes store into it?  Not when it is frozen or made with BPF_F_RDONLY: then what
 * changes it is -EPERM, as reading is with BPF_F_WRONLY. */
bool rt_map_writable(const struct bpftime_map *m, void *base);
/* From now on processes only read it (BPF_MAP_FREEZE); programs are not concerned.  -EPERM: it
 * is so already; -ENOTSUPP: values have a bpf_spin_lock; -EBUSY: another process is at it. */
int rt_map_freeze(const struct bpftime_map *m, void *base);
/* Of a cgroup_array: the id of the cgroup there, 0: none. */
uint64_t rt_map_cgroup(const struct bpftime_map *m, const void *base, uint32_t index);

/* Many elements at a time (BPF_MAP_*_BATCH). */
struct rt_batch {
	const void *in;		/* where to go on, or NULL: at the beginning */
	void    *out;		/* where to go on next time: key_size bytes, at least 4; may be in */
	void    *keys, *values;	/* count of each, as the functions above pass them */
	uint32_t count;		/* how many there is room for; then how many were done */
	uint64_t elem_flags, flags;
};
/* Results as the kernel's: 0; -ENOENT, behind the last element, what was found counted; -ENOSPC,
 * no room for one bucket of a hash map; -EFAULT; -EINVAL; -EPERM; -ENOTSUPP, not for this
 * kind; or what the operation on the element at `count` said.  -EBUSY: a bucket stays locked. */
int rt_map_lookup_batch(const struct bpftime_map *m, void *base, struct rt_batch *b);
int rt_map_take_batch(const struct bpftime_map *m, void *base, struct rt_batch *b);
int rt_map_update_batch(const struct bpftime_map *m, void *base, struct rt_batch *b);
int rt_map_delete_batch(const struct bpftime_map *m, void *base, struct rt_batch *b);

/* key NULL: the first key.  -ENOENT behind the last one. */
int rt_map_next_key(const struct bpftime_map *m, void *base, const void *key, void *next);

/* ---- ring buffers and perf event arrays: one consumer at a time ---- */

/* What a sample of a perf_event_array begins with. */
struct rt_perf_sample {
	uint32_t cpu, bytes;
	uint8_t  data[];
};

/* The oldest finished record: 1, *sample and *bytes until rt_ringbuf_consume(); 0: none;
 * -EIO: the file is damaged. */
int rt_ringbuf_peek(const struct bpftime_map *m, void *base, const void **sample,
		    uint32_t *bytes);
/* Gives the record that rt_ringbuf_peek() showed back to the producers. */
void rt_ringbuf_consume(const struct bpftime_map *m, void *base);
/* Sleeps until there is a record: 1, 0 when timeout_ms passed (-1: never), -EIO, or -EINTR.
 * Meanwhile discards records whose owners died. */
int rt_ringbuf_wait(const struct bpftime_map *m, void *base, int32_t timeout_ms);
/* Records that found no room. */
uint64_t rt_ringbuf_drops(void *base);

/* ---- user ring buffers ---- */

/* Puts a sample into a user_ringbuf.  -E2BIG: it never fits; -ENOSPC: it does not now; -EBUSY:
 * another producer of ours is at it; -EIO: the positions make no sense. */
int rt_user_ringbuf_push(const struct bpftime_map *m, void *base, const void *data,
			 uint32_t bytes);

/* ---- the calling process ---- */

/* Once, before there are threads: lets locks be taken without a system call each. */
void rt_self_setup(void);
/* Possible CPUs of this machine. */
uint32_t rt_cpu_possible(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
