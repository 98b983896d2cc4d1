/* SPDX-License-Identifier: MIT
 *
 * ufilter - a program that is asked before each call, and lets it happen. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

SEC("ufilter")
long hook(struct pt_regs *ctx)
{
	return PT_REGS_PARM1(ctx) == 0x5eed ? -1 : 0;
}

char LICENSE[] SEC("license") = "GPL";
