// an upper bound alone lets a negative index through
// says: r
#include "../case.h"

MAP(BPF_MAP_TYPE_HASH, values, __u32, __u64[16], 1);

UPROBE(prog)
{
	__u32 zero = 0;
	char *v = bpf_map_lookup_elem(&values, &zero);
	long i = ctx->di;

	if (!v || i > 15)
		return 0;
	return v[i];	// V016
}
