/* SPDX-License-Identifier: MIT
 *
 * read4k - copy 4096 bytes from the second argument. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char last[4096];

SEC("uprobe")
int BPF_KPROBE(hook, long a, const char *b)
{
	bpf_probe_read_user(last, sizeof(last), b);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
