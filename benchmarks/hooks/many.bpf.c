/* SPDX-License-Identifier: MIT
 *
 * many - more registers than a specialised entry takes: the program finds them in a struct pt_regs. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

volatile __u64 sum;

SEC("uprobe")
int hook(struct pt_regs *ctx)
{
	sum = ctx->di + ctx->si + ctx->dx + ctx->cx + ctx->r8 + ctx->r9 + ctx->bx + ctx->bp + ctx->r12;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
