/* SPDX-License-Identifier: MIT
 *
 * whole - nobody knows what is read of the context, for its address goes elsewhere: every register is saved, and the
 * program gets a struct pt_regs. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

volatile __u64 sum, where;

SEC("uprobe")
int hook(struct pt_regs *ctx)
{
	where = (__u64)ctx;
	sum = ctx->di + ctx->si + ctx->dx + ctx->cx + ctx->r8 + ctx->r9 + ctx->bx + ctx->bp + ctx->r12;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
