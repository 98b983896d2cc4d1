// SPDX-License-Identifier: MIT
// Each hit leaves its stack by build ids: the n-th in element n, and in a map of stacks.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define BPF_F_USER_STACK 256
#define BPF_F_USER_BUILD_ID 2048
#define BPF_F_STACK_BUILD_ID 32
enum { DEPTH = 16 };

struct frame {
	s32 status;
	u8 id[20];
	u64 at;
};
struct stack {
	s64 bytes, id;
	struct frame frame[DEPTH];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, struct stack);
} taken SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(map_flags, BPF_F_STACK_BUILD_ID);
	__uint(max_entries, 4096);
	__type(key, u32);
	__uint(value_size, DEPTH * sizeof(struct frame));
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, u64);
} counts SEC(".maps");

u32 hits;

SEC("uprobe")
int at_entry(struct pt_regs *ctx)
{
	u32 i = hits++, id;		/* one thread runs at a time */
	struct stack *s = bpf_map_lookup_elem(&taken, &i);
	u64 one = 1;

	if (!s)
		return 0;
	s->bytes = bpf_get_stack(ctx, s->frame, sizeof(s->frame), BPF_F_USER_STACK | BPF_F_USER_BUILD_ID);
	s->id = bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK);
	id = s->id;
	bpf_map_update_elem(&counts, &id, &one, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
