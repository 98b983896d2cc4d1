/* SPDX-License-Identifier: MIT
 *
 * pid - ask for process and thread, and keep the answer; not where a page begins, as other maps' first values do: a load
 * waits for a store that is a multiple of 4 KiB away. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

volatile struct { __u64 other[8], last; } kept;

SEC("uprobe")
int hook(struct pt_regs *ctx)
{
	kept.last = bpf_get_current_pid_tgid();
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
