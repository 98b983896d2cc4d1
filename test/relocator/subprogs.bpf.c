/* SPDX-License-Identifier: MIT
 * Static and global subprograms, callbacks, several programs over the same functions. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, u64);
} counts SEC(".maps");

u64 sum;

static __noinline int leaf(int a)
{
	sum += a;
	return a * 3;
}

__noinline int global_one(int a)
{
	return leaf(a) + 1;
}

static __noinline int middle(int a)
{
	return leaf(a) + global_one(a + 1);
}

__attribute__((visibility("hidden"))) __noinline int hidden_one(int a)
{
	return middle(a) - 1;
}

static long on_each(u32 i, void *ctx)
{
	*(u64 *)ctx += leaf(i);
	return 0;
}

static long other_callback(u32 i, void *ctx)
{
	*(u64 *)ctx += i;
	return i > 2;
}

SEC("uprobe")
int uses_middle(struct pt_regs *ctx)
{
	return middle(bpf_get_prandom_u32()) + leaf(2);
}

SEC("uprobe")
int uses_global(struct pt_regs *ctx)
{
	return global_one(bpf_get_prandom_u32()) + hidden_one(3);
}

SEC("uretprobe")
int uses_callbacks(struct pt_regs *ctx)
{
	u64 acc = 0;

	bpf_loop(10, on_each, &acc, 0);
	bpf_loop(5, other_callback, &acc, 0);
	bpf_loop(3, on_each, &acc, 0);
	sum += acc;
	return 0;
}

SEC("uretprobe")
int uses_nothing(struct pt_regs *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
