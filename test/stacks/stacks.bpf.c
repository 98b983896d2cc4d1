// SPDX-License-Identifier: MIT
// Each hit leaves its stack: the n-th in element n.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define BPF_F_USER_STACK 256

struct stack {
	u64 func;
	s64 bytes;
	u64 ip[127];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, struct stack);
} stacks SEC(".maps"), returns SEC(".maps");

u32 hits, returned;

static __always_inline int take(void *ctx, struct stack *s)
{
	if (s) {
		s->func = bpf_get_func_ip(ctx);
		s->bytes = bpf_get_stack(ctx, s->ip, sizeof(s->ip), BPF_F_USER_STACK);
	}
	return 0;
}

SEC("uprobe")
int at_entry(struct pt_regs *ctx)
{
	u32 i = hits++;		/* one thread runs at a time */

	return take(ctx, bpf_map_lookup_elem(&stacks, &i));
}

SEC("uretprobe")
int at_return(struct pt_regs *ctx)
{
	u32 i = returned++;

	return take(ctx, bpf_map_lookup_elem(&returns, &i));
}

char LICENSE[] SEC("license") = "GPL";
