/* SPDX-License-Identifier: MIT
 *
 * arena.h - an arena of ten pages.  Addresses in it are of address space 1. */
#ifndef ARENA_CASE_H
#define ARENA_CASE_H

#include "case.h"

#define __arena __attribute__((address_space(1)))
#define ARENA(name_, start_)                                                      \
	struct {                                                                  \
		__uint(type, 33);                                                 \
		__uint(map_flags, 1 << 10);                                       \
		__uint(max_entries, 10);                                          \
		__uint(map_extra, start_);                                        \
	} name_ SEC(".maps")

extern void __arena *bpf_arena_alloc_pages(void *map, void __arena *at, __u32 pages, int node, __u64 flags) __weak __ksym;
extern void bpf_arena_free_pages(void *map, void __arena *at, __u32 pages) __weak __ksym;
extern int bpf_arena_reserve_pages(void *map, void __arena *at, __u32 pages) __weak __ksym;

#define UPROBE_S(name_) SEC("uprobe.s") int name_(struct pt_regs *ctx)

#endif
