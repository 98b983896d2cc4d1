// an unsigned bound, a mask and a modulo each make an index safe
#include "../case.h"

MAP(BPF_MAP_TYPE_ARRAY, values, __u32, __u64[16], 1);

UPROBE(prog)
{
	__u32 zero = 0;
	__u64 *v = bpf_map_lookup_elem(&values, &zero), i = ctx->di, k = ctx->si, sum = 0;

	if (!v)
		return 0;
	if (i < 16)
		sum += v[i];
	hide(k);
	sum += v[k & 15];
	return sum;
}
