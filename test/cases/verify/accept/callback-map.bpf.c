// bpf_for_each_map_elem hands out keys and values
#include "../case.h"

MAP(BPF_MAP_TYPE_HASH, counts, __u32, __u64, 64);

static long visit(void *map, __u32 *key, __u64 *value, __u64 *sum)
{
	*sum += *value * *key;
	*value = 0;
	return 0;
}

UPROBE(prog)
{
	__u64 sum = 0;

	bpf_for_each_map_elem(&counts, visit, &sum, 0);
	return sum;
}
