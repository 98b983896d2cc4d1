// atomic operations on map values and on the stack
#include "../case.h"

MAP(BPF_MAP_TYPE_HASH, counts, __u32, __u64, 64);

UPROBE(prog)
{
	__u32 key = ctx->di;
	__u64 *n = bpf_map_lookup_elem(&counts, &key);

	if (!n)
		return 0;
	__sync_fetch_and_add(n, 1);
	return __sync_val_compare_and_swap(n, 5, 6);
}
