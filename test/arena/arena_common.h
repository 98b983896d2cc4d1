/* SPDX-License-Identifier: MIT
 *
 * arena_common.h - an arena of PAGES pages, the array `out`, and the functions of arenas. */
#ifndef ARENA_COMMON_H
#define ARENA_COMMON_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define __arena __attribute__((address_space(1)))
#define CONCAT2(a_, b_) a_##b_
#define CONCAT(a_, b_) CONCAT2(a_, b_)
/* __ulong() of newer headers */
#define WIDE(name_, v_) enum { CONCAT(unique_, __COUNTER__) = (v_) } name_

enum { ARENA = 33, MMAPABLE = 1 << 10, SEGV_ON_FAULT = 1 << 17, NO_USER_CONV = 1 << 18, NO_NODE = -1, PAGE = 4096 };
#ifndef PAGES
#define PAGES 100
#endif
#ifndef FLAGS
#define FLAGS MMAPABLE
#endif
/* The kernel wants the address of the first page, or a process that maps it somewhere. */
struct {
	__uint(type, ARENA);
	__uint(map_flags, FLAGS);
	__uint(max_entries, PAGES);
#ifdef START
	WIDE(map_extra, START);
#endif
} arena SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} out SEC(".maps");

void __arena *bpf_arena_alloc_pages(void *map, void __arena *addr, __u32 page_cnt, int node_id, __u64 flags) __ksym __weak;
void bpf_arena_free_pages(void *map, void __arena *ptr, __u32 page_cnt) __ksym __weak;
int bpf_arena_reserve_pages(void *map, void __arena *ptr, __u32 page_cnt) __ksym __weak;

/* Ends a loop sooner or later. */
#define can_loop                                                                  \
	({                                                                        \
		__label__ l_break, l_continue;                                    \
		bool go_on = true;                                                \
		asm volatile goto("may_goto %l[l_break]" :::: l_break);           \
		goto l_continue;                                                  \
	l_break:                                                                  \
		go_on = false;                                                    \
	l_continue:;                                                              \
		go_on;                                                            \
	})

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

char LICENSE[] SEC("license") = "GPL";

#endif
