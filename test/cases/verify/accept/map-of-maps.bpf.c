// a map found in a map of maps is used like any other
#include "../case.h"

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps");

UPROBE(prog)
{
	__u32 key = 1, zero = 0;
	void *map = bpf_map_lookup_elem(&outer, &key);
	__u64 *v = map ? bpf_map_lookup_elem(map, &zero) : 0;

	return v ? *v : 0;
}
