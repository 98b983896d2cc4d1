/* SPDX-License-Identifier: MIT */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define COUNTER(name_)                                                            \
	struct {                                                                  \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                 \
		__uint(max_entries, 1);                                           \
		__type(key, __u32);                                               \
		__type(value, __u64);                                             \
	} name_ SEC(".maps")

COUNTER(entries);
COUNTER(returns);

static __attribute__((always_inline)) int count(void *map)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(map, &zero);

	if (n)
		__sync_fetch_and_add(n, 1);
	return 0;
}

SEC("uprobe")
int on_entry(void *ctx)
{
	return count(&entries);
}

SEC("uretprobe")
int on_return(void *ctx)
{
	return count(&returns);
}

char LICENSE[] SEC("license") = "GPL";
