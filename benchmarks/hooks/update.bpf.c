/* SPDX-License-Identifier: MIT
 *
 * update - a hash entry that is there gets a new value. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} count SEC(".maps");

__u64 calls;

SEC("uprobe")
int hook(struct pt_regs *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	__u64 n = ++calls;

	bpf_map_update_elem(&count, &pid, &n, BPF_ANY);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
