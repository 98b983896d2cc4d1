/* SPDX-License-Identifier: MIT
 *
 * System calls that are not made. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

__u64 entered, left, value;

SEC("tracepoint/syscalls/sys_enter_getpgid") int on_getpgid(void *ctx)
{
	__sync_fetch_and_add(&entered, 1);
	bpf_override_return(ctx, 4711);
	return 0;
}
SEC("tracepoint/syscalls/sys_exit_getpgid") int after_getpgid(long *ctx)
{
	__sync_fetch_and_add(&left, 1);
	__sync_fetch_and_add(&value, ctx[2]);
	return 0;
}
SEC("tracepoint/syscalls/sys_enter_fsync") int on_fsync(void *ctx)
{
	bpf_override_return(ctx, -5);	/* EIO */
	return 0;
}
SEC("raw_tracepoint/sys_enter") int on_any(__u64 *ctx)
{
	if (ctx[1] == 95)	/* umask */
		bpf_override_return((void *)ctx, -1);	/* EPERM */
	return 0;
}
