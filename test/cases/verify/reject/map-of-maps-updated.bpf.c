// programs look maps up; who is in a map of maps is decided outside
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
	__u32 key = 1;

	return bpf_map_delete_elem(&outer, &key); // V021
}
