// the remainder of a division by a constant is below it
// kernel: reject, it does not know ranges of remainders
#include "../case.h"

MAP(BPF_MAP_TYPE_ARRAY, values, __u32, __u64[10], 1);

UPROBE(prog)
{
	__u32 zero = 0;
	__u64 *v = bpf_map_lookup_elem(&values, &zero);

	return v ? v[ctx->di % 10] : 0;
}
