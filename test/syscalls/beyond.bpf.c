// SPDX-License-Identifier: MIT
// Reads more than the exit of a system call has to say.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

SEC("tracepoint/syscalls/sys_exit_kill")
int beyond(__u64 *c)
{
	return c[3];
}

char LICENSE[] SEC("license") = "GPL";
