/* SPDX-License-Identifier: MIT
 *
 * embed - a filter that a program of yours runs: which requests are worth reporting?
 *
 * SEC("vm/16") is a program over 16 bytes of memory, `struct request`.  report() is a function
 * of the embedding program. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "embed.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} by_status SEC(".maps");

extern void report(const void *request, __u64 bytes) __ksym;

SEC("vm/16")
int filter(struct request *r)
{
	__u32 status = r->status;
	__u64 one = 1, *n = bpf_map_lookup_elem(&by_status, &status);

	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&by_status, &status, &one, BPF_NOEXIST);
	if (status < 500 && r->msec < 1000)
		return 0;
	report(r, sizeof(*r));
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
