/* SPDX-License-Identifier: MIT
 *
 * pid - ask for process and thread, and keep the answer. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

volatile __u64 last;

SEC("uprobe")
int hook(struct pt_regs *ctx)
{
	last = bpf_get_current_pid_tgid();
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
