/* SPDX-License-Identifier: MIT
 *
 * overridden - a program that keeps the function from running. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

SEC("uprobe")
int hook(struct pt_regs *ctx)
{
	bpf_override_return(ctx, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
