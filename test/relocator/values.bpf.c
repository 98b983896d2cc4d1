/* SPDX-License-Identifier: MIT
 * Maps that hold programs and maps from the start. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, u64);
} inner_a SEC(".maps"), inner_b SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, u32);
	__array(values, struct inner);
} outer SEC(".maps") = {
	.values = { [1] = &inner_a, [3] = &inner_b },
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 8);
	__type(key, u32);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_HASH);
		__uint(max_entries, 10);
		__type(key, u64);
		__type(value, u64);
	});
} outer_hash SEC(".maps");

int target_one(struct pt_regs *ctx);
int target_two(struct pt_regs *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 5);
	__uint(key_size, 4);
	__array(values, int (void *));
} jumps SEC(".maps") = {
	.values = { [0] = (void *)&target_two, [4] = (void *)&target_one },
};

SEC("uprobe")
int start(struct pt_regs *ctx)
{
	u32 k = 1;
	void *m = bpf_map_lookup_elem(&outer, &k);

	bpf_map_lookup_elem(&outer_hash, &k);
	if (m)
		bpf_map_lookup_elem(m, &k);
	bpf_tail_call(ctx, &jumps, 4);
	return 0;
}

SEC("uprobe")
int target_one(struct pt_regs *ctx)
{
	return 1;
}

SEC("uprobe")
int target_two(struct pt_regs *ctx)
{
	return 2;
}

char LICENSE[] SEC("license") = "GPL";
