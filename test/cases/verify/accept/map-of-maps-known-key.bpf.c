// arrays in a map of maps have as many elements as the template: a known key is there
#include "../case.h"

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps");

UPROBE(prog)
{
	__u32 key = 1, three = 3;
	void *map = bpf_map_lookup_elem(&outer, &key);

	if (!map)
		return 0;
	return *(__u64 *)bpf_map_lookup_elem(map, &three);
}
