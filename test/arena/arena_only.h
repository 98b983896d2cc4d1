/* SPDX-License-Identifier: MIT
 *
 * arena_only.h - an arena of PAGES pages, and the functions of arenas. */
#ifndef ARENA_ONLY_H
#define ARENA_ONLY_H

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

char LICENSE[] SEC("license") = "GPL";

#endif
