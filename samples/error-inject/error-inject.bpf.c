// SPDX-License-Identifier: MIT
// Makes a function fail: every `every`th call returns `value` and the function does not run.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

__u64 every = 1;	/* 0: never; bpftime-ctl set -- error-inject/.data 0 EVERY VALUE */
__s64 value = -1;	/* what the function returns then */

__u64 calls, failed;	/* bpftime-ctl dump error-inject/.bss */

SEC("uprobe")
int inject(struct pt_regs *ctx)
{
	__u64 n = __sync_fetch_and_add(&calls, 1) + 1;

	if (every && n % every == 0) {
		__sync_fetch_and_add(&failed, 1);
		bpf_override_return(ctx, value);
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
