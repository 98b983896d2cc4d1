/* SPDX-License-Identifier: MIT
 *
 * stackcount - count the stacks that lead to a function, as BCC's stackcount does. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define BPF_F_USER_STACK 256

/* Set when compiled (--set) or loaded: 0 is any process. */
const volatile __u32 target_pid = 0;

struct key {
	__u32 pid;
	__s32 stack_id;		/* negative: the stack found no room in `stacks` */
	char comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, struct key);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 1024);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, 127 * sizeof(__u64));
} stacks SEC(".maps");

SEC("uprobe")
int count_stack(struct pt_regs *ctx)
{
	struct key key = { .pid = bpf_get_current_pid_tgid() >> 32 };
	__u64 *count, none = 0;

	if (target_pid && key.pid != target_pid)
		return 0;
	bpf_get_current_comm(key.comm, sizeof(key.comm));
	key.stack_id = bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK);
	count = bpf_map_lookup_elem(&counts, &key);
	if (!count) {
		/* Another thread may be first: then its entry serves. */
		bpf_map_update_elem(&counts, &key, &none, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&counts, &key);
		if (!count)
			return 0;	/* the map is full */
	}
	__sync_fetch_and_add(count, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
