// loops over numbers: nested, left early, with an index that the loop bounds
#include "../iter.h"

MAP(BPF_MAP_TYPE_ARRAY, sums, __u32, __u64[16], 1);

UPROBE(prog)
{
	struct bpf_iter_num outer, inner;
	__u32 zero = 0;
	__u64 *sum = bpf_map_lookup_elem(&sums, &zero);
	int *i, *j, n = (int)ctx->di;

	if (!sum)
		return 0;
	bpf_iter_num_new(&outer, 0, n);
	while ((i = bpf_iter_num_next(&outer))) {
		bpf_iter_num_new(&inner, 0, 1000000);
		while ((j = bpf_iter_num_next(&inner))) {
			if (*j == n)
				break;
			sum[*j & 15] += *i;
		}
		bpf_iter_num_destroy(&inner);
	}
	bpf_iter_num_destroy(&outer);
	return 0;
}
