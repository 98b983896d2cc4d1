/* SPDX-License-Identifier: MIT
 *
 * empty - a program that does nothing: the price of getting to a program. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

SEC("uprobe")
int hook(struct pt_regs *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
