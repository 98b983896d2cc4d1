/* SPDX-License-Identifier: MIT
 * The other half: refers to a map, a variable and a function of the first. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct val { u64 n; };
extern struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10);
	__type(key, u32);
	__type(value, struct val);
} common SEC(".maps");

const volatile int in_b = 2;
static volatile int hidden_b = 6;
extern int shared_var;

static __noinline int helper_b(int x) { return x + hidden_b; }
__noinline int other_half(int x) { return helper_b(x) * in_b; }
__weak int weak_one(int x) { return x - hidden_b; }

SEC("uprobe")
int prog_b(struct pt_regs *ctx)
{
	u32 k = 2;

	return !bpf_map_lookup_elem(&common, &k) + other_half(shared_var) + weak_one(ctx->si);
}

char LICENSE[] SEC("license") = "GPL";
