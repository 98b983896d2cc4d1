// SPDX-License-Identifier: MIT
// One operation on the pages of an arena, as `in` says.
#define PAGES 70
#define FLAGS (MMAPABLE | SEGV_ON_FAULT)
#include "arena_common.h"

enum { ALLOC, FREE, RESERVE, STORE, LOAD };
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} in SEC(".maps");

static __always_inline __u64 get(__u32 i)
{
	__u64 *v = bpf_map_lookup_elem(&in, &i);

	return v ? *v : 0;
}

PROG(one)
{
	void __arena *at = (void __arena *)(long)get(1);
	__u64 n = get(2), result = 0;

	switch (get(0)) {
	case ALLOC:
		result = (__u64)(long)bpf_arena_alloc_pages(&arena, at, n, NO_NODE, get(3));
		break;
	case FREE:
		bpf_arena_free_pages(&arena, at, n);
		break;
	case RESERVE:
		result = bpf_arena_reserve_pages(&arena, at, n);
		break;
	case STORE:
		*(volatile __u64 __arena *)at = n;
		break;
	default:
		result = *(volatile __u64 __arena *)at;
	}
	put(0, result);
	return 0;
}
