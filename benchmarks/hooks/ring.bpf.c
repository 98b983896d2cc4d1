/* SPDX-License-Identifier: MIT
 *
 * ring - a 16-byte record of each call in a ring buffer, nobody waiting for it.  The target
 * empties the ring between the batches it measures; `lost` shows that this was enough. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

enum { RB_NO_WAKEUP = 1 };

struct record {
	__u64 a, b;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} lost SEC(".maps");

SEC("uprobe")
int BPF_KPROBE(hook, unsigned long a, unsigned long b)
{
	struct record *r = bpf_ringbuf_reserve(&records, sizeof(*r), 0);

	if (!r) {
		__u32 zero = 0;
		__u64 *n = bpf_map_lookup_elem(&lost, &zero);

		if (n)
			*n += 1;
		return 0;
	}
	r->a = a;
	r->b = b;
	bpf_ringbuf_submit(r, RB_NO_WAKEUP);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
