/* SPDX-License-Identifier: MIT
 *
 * arena_common.h - an arena, and the array `out`. */
#ifndef ARENA_COMMON_H
#define ARENA_COMMON_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "arena_only.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} out SEC(".maps");

#define PROG(name_) SEC("uprobe.s") int name_(struct pt_regs *ctx)

static __always_inline void put(__u32 i, __u64 v)
{
	bpf_map_update_elem(&out, &i, &v, BPF_ANY);
}

static __always_inline char __arena *pages(__u32 n)
{
	return bpf_arena_alloc_pages(&arena, 0, n, NO_NODE, 0);
}

/* Where an address is, from the first page on: the same wherever the arena is.  `variable` is the first. */
#define AT(p_) ((__u64)(long)(p_) & 0xffffffff)

#endif
