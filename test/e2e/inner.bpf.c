// SPDX-License-Identifier: MIT
// Counts calls of work(n) in the map that outer has at n % 3, and in one of a hash of maps.
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct counts {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} first SEC(".maps"), second SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct counts);
} outer SEC(".maps") = { .values = { [0] = &first, [1] = &second } };

struct lane {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} lane SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 16);
	__type(key, __u32);
	__array(values, struct lane);
} lanes SEC(".maps") = { .values = { [7] = &lane } };

SEC("uprobe")
int BPF_KPROBE(hook, __u32 n)
{
	__u32 which = n % 3, seven = 7, i = n & 7;
	__u64 one = 1, *v;
	void *m = bpf_map_lookup_elem(&outer, &which);

	if (m) {
		v = bpf_map_lookup_elem(m, &n);
		if (v)
			__sync_fetch_and_add(v, 1);
		else
			bpf_map_update_elem(m, &n, &one, BPF_NOEXIST);
	}
	m = bpf_map_lookup_elem(&lanes, &seven);
	v = m ? bpf_map_lookup_elem(m, &i) : NULL;
	if (v)
		__sync_fetch_and_add(v, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
