/* SPDX-License-Identifier: MIT
 * One half of an object that bpftool's static linker joins. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

struct val { u64 n; };
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10);
	__type(key, u32);
	__type(value, struct val);
} common SEC(".maps");

const volatile int in_a = 1;
static volatile int hidden_a = 5;
int shared_var = 7;
extern int other_half(int x);
__weak int weak_one(int x) { return x + hidden_a; }

static __noinline int helper_a(int x) { return x * in_a + hidden_a; }

SEC("uprobe")
int prog_a(struct pt_regs *ctx)
{
	u32 k = 1;

	if (bpf_map_lookup_elem(&common, &k))
		shared_var += ctx->di;
	return helper_a(other_half(1)) + weak_one(2);
}

char LICENSE[] SEC("license") = "GPL";
