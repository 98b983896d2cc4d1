/* SPDX-License-Identifier: MIT */
#include "case.h"

struct bpf_timer {
	__u64 opaque[2];
} __attribute__((aligned(8)));

struct item {
	__u64 before;
	struct bpf_timer timer;
	__u64 behind;
};
MAP(BPF_MAP_TYPE_HASH, hash, __u32, struct item, 4);
MAP(BPF_MAP_TYPE_ARRAY, array, __u32, struct item, 4);

static __always_inline struct item *item_of(void *map)
{
	__u32 key = 1;

	return bpf_map_lookup_elem(map, &key);
}
