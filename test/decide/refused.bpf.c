/* SPDX-License-Identifier: MIT
 *
 * Decides wherever the command line wants it to. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

SEC("uprobe") int entry(struct pt_regs *ctx)
{
	bpf_override_return(ctx, 1);
	return 0;
}
SEC("uretprobe") int leave(struct pt_regs *ctx)
{
	bpf_override_return(ctx, 1);
	return 0;
}
SEC("ureplace") long instead(struct pt_regs *ctx)
{
	return bpf_get_attach_cookie(ctx);
}
SEC("ufilter") long filter(struct pt_regs *ctx)
{
	return bpf_get_attach_cookie(ctx);
}
