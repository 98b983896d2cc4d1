/* SPDX-License-Identifier: MIT
 *
 * uretprobe - a program at the function's return that does nothing. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

SEC("uretprobe")
int hook(struct pt_regs *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
