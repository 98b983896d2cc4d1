// SPDX-License-Identifier: MIT
// Stacks of system calls, on the way in and out, by both kinds of tracepoint.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define BPF_F_USER_STACK 256
#define NR_GETPPID 110

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
} stacks SEC(".maps"), exits SEC(".maps"), raw SEC(".maps");

u32 hits, left, raw_hits;

static __always_inline int take(void *ctx, struct stack *s)
{
	if (s) {
		s->func = 1;
		s->bytes = bpf_get_stack(ctx, s->ip, sizeof(s->ip), BPF_F_USER_STACK);
	}
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_getppid")
int enter(void *ctx)
{
	u32 i = hits++;

	return take(ctx, bpf_map_lookup_elem(&stacks, &i));
}

SEC("tracepoint/syscalls/sys_exit_getppid")
int leave(void *ctx)
{
	u32 i = left++;

	return take(ctx, bpf_map_lookup_elem(&exits, &i));
}

SEC("raw_tracepoint/sys_enter")
int enter_raw(u64 *ctx)	/* registers, number */
{
	u32 i = raw_hits;

	if (ctx[1] != NR_GETPPID)
		return 0;
	raw_hits++;
	return take(ctx, bpf_map_lookup_elem(&raw, &i));
}

char LICENSE[] SEC("license") = "GPL";
