/* SPDX-License-Identifier: MIT
 *
 * read16 - copy 16 bytes from the second argument. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct {
	__u64 word[2];
} last;

SEC("uprobe")
int BPF_KPROBE(hook, long a, const char *b)
{
	bpf_probe_read_user(&last, sizeof(last), b);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
