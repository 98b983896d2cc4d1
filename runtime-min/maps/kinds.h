/* SPDX-License-Identifier: MIT
 *
 * kinds.h - what each kind of map defines, one function for each use.
 *
 * As a program sees the map (inlined into hook objects, maps/<kind>.c):
 *     rt_<kind>_lookup   address of the value, or NULL
 *     rt_<kind>_update   0 or -errno
 *     rt_<kind>_remove   0 or -errno
 * As bpf() shows it to a process (archive only, maps/<kind>_user.c):
 *     rt_<kind>_check    attributes: 0 or -errno
 *     rt_<kind>_size     bytes of data, 0 on overflow
 *     rt_<kind>_format   zeroed data becomes an empty map
 *     rt_<kind>_read     copy of a value
 *     rt_<kind>_write    update
 *     rt_<kind>_next     next key */
#ifndef BPFTIME_RUNTIME_KINDS_H
#define BPFTIME_RUNTIME_KINDS_H

#include "cpu.h"
#include "mapfmt.h"
#include "maps.h"
#include "rt_base.h"
#include "spin.h"

#pragma GCC visibility push(hidden)

typedef const struct bpftime_map *rt_map;

#define MAP(id_, name_, key_, value_, place_)                                             \
	void *rt_##name_##_lookup(rt_map m, void *base, const void *key);                  \
	int rt_##name_##_update(rt_map m, void *base, const void *key, const void *value,  \
				uint64_t flags);                                           \
	int rt_##name_##_remove(rt_map m, void *base, const void *key);                    \
	int rt_##name_##_check(rt_map m);                                                  \
	uint64_t rt_##name_##_size(rt_map m, uint32_t cpus);                               \
	void rt_##name_##_format(rt_map m, void *base, uint32_t cpus);                     \
	int rt_##name_##_read(rt_map m, void *base, const void *key, void *value,          \
			      uint64_t flags);                                             \
	int rt_##name_##_write(rt_map m, void *base, const void *key, const void *value,   \
			       uint64_t flags);                                            \
	int rt_##name_##_next(rt_map m, void *base, const void *key, void *next);
#include "maps.def"

/* What init does to a map, one function for each kind: what a map's kind_rel points at.  It is
 * made of the functions above by RT_KIND_<place>() of the kind's row in maps.def.
 *
 *     RT_KIND_CPUS     CPUs that a map has values for; 1 in most kinds
 *     RT_KIND_PLACE    base: a struct rt_wanted (place.h); the address of the data, or 0 */
enum rt_kind_op { RT_KIND_CHECK, RT_KIND_SIZE, RT_KIND_FORMAT, RT_KIND_CPUS, RT_KIND_PLACE };
typedef uint64_t rt_kind(enum rt_kind_op op, rt_map m, void *base, uint32_t cpus);

#define RT_KIND_OPS(name_)                                                                \
	do {                                                                               \
		if (op == RT_KIND_CHECK)                                                   \
			return (uint64_t)rt_##name_##_check(m);                            \
		if (op == RT_KIND_SIZE)                                                    \
			return rt_##name_##_size(m, cpus);                                 \
		if (op == RT_KIND_FORMAT)                                                  \
			rt_##name_##_format(m, base, cpus);                                \
	} while (0)

#pragma GCC visibility pop

/* Bytes from one element to the next. */
RT_INLINE uint64_t rt_stride(rt_map m)
{
	return rt_round_up(m->value_size, 8);
}

/* Only where the kind has no room: then the header lies in front of the data. */
RT_INLINE struct mapfmt_header *rt_header(void *base)
{
	return (struct mapfmt_header *)((char *)base - MAPFMT_HEADER_BYTES);
}

/* Values of an element of a per-CPU kind.  A payload knows, and who reads files, which may be another
 * machine's, says it in `cpus`: the header's number others may change at any time. */
RT_INLINE uint32_t rt_map_cpus(rt_map m, void *base)
{
	uint32_t n = m->cpus ? m->cpus : rt_load(&bpftime_rt1_cpus);

	return n ? n : rt_load(&rt_header(base)->cpu_count);
}

RT_INLINE uint32_t rt_index(const void *key)
{
	uint32_t i;

	__builtin_memcpy(&i, key, sizeof(i));
	return i;
}

/* The flag checks shared by all array kinds; kernel/bpf/arraymap.c. */
RT_INLINE int rt_index_flags(rt_map m, uint32_t index, uint64_t flags)
{
	if ((flags & ~(uint64_t)MAP_LOCK) > MAP_EXIST)
		return -RT_EINVAL;
	if (index >= m->max_entries)
		return -RT_E2BIG;
	if (flags & MAP_NOEXIST)
		return -RT_EEXIST;
	if (flags & MAP_LOCK && !m->lock)
		return -RT_EINVAL;
	return 0;
}

/* Attributes of the array kinds whose values are descriptors in the kernel: fd_array_map_alloc_check(),
 * and the flags one kind has beyond that. */
RT_INLINE int rt_fd_array_check(rt_map m, uint32_t flags)
{
	flags |= MAP_F_NUMA_NODE | MAP_F_RDONLY | MAP_F_WRONLY;
	return m->key_size != 4 || m->value_size != 4 || m->flags & ~flags ? -RT_EINVAL : 0;
}

RT_INLINE int rt_index_next(rt_map m, const void *key, void *next)
{
	uint32_t i = key ? rt_index(key) : UINT32_MAX, n = i + 1;

	if (i >= m->max_entries)
		n = 0;
	else if (n == m->max_entries)
		return -RT_ENOENT;
	__builtin_memcpy(next, &n, sizeof(n));
	return 0;
}

#endif
