/* SPDX-License-Identifier: MIT
 *
 * ureplace - a program in the function's place. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

SEC("ureplace")
long hook(struct pt_regs *ctx)
{
	return PT_REGS_PARM1(ctx) + 1;
}

char LICENSE[] SEC("license") = "GPL";
