/* SPDX-License-Identifier: MIT
 *
 * override - a program that may keep the function from running, and does not. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

SEC("uprobe")
int hook(struct pt_regs *ctx)
{
	if (PT_REGS_PARM1(ctx) == 0x5eed)
		bpf_override_return(ctx, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
