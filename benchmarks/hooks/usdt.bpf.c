/* SPDX-License-Identifier: MIT
 *
 * usdt - an atomic counter at the probe of bench_target. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} count SEC(".maps");

static __always_inline int add(void)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&count, &zero);

	if (n)
		__sync_fetch_and_add(n, 1);
	return 0;
}

SEC("usdt/bench_target:bench:hit")
int BPF_USDT(hook, long a)
{
	return add();
}

char LICENSE[] SEC("license") = "GPL";
