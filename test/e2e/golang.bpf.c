/* SPDX-License-Identifier: MIT
 *
 * Counts calls and returns by function, with what needs a stack: a hash map, its values added
 * to in place. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define TABLE(name_)                                                              \
	struct {                                                                  \
		__uint(type, BPF_MAP_TYPE_HASH);                                  \
		__uint(max_entries, 65536);                                       \
		__type(key, __u64);                                               \
		__type(value, __u64);                                             \
	} name_ SEC(".maps")

TABLE(calls);
TABLE(rets);

static __attribute__((always_inline)) int count(void *map, __u64 key)
{
	__u64 one = 1, *n = bpf_map_lookup_elem(map, &key);

	if (!n && !bpf_map_update_elem(map, &key, &one, BPF_NOEXIST))
		return 0;
	n = bpf_map_lookup_elem(map, &key);
	if (n)
		__sync_fetch_and_add(n, 1);
	return 0;
}

SEC("uprobe")
int on_entry(void *ctx)
{
	return count(&calls, bpf_get_func_ip(ctx));
}

SEC("uretprobe")
int on_return(void *ctx)
{
	return count(&rets, bpf_get_func_ip(ctx));
}

char LICENSE[] SEC("license") = "GPL";
