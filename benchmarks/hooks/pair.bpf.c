/* SPDX-License-Identifier: MIT
 *
 * pair - an atomic counter at the entry and at the return of one function. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} count SEC(".maps");

static __always_inline int add(void)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&count, &zero);

	if (n)
		__sync_fetch_and_add(n, 1);
	return 0;
}

SEC("uprobe")
int enter(struct pt_regs *ctx)
{
	return add();
}

SEC("uretprobe")
int leave(struct pt_regs *ctx)
{
	return add();
}

char LICENSE[] SEC("license") = "GPL";
