// an iterator that its own loop makes anew on some paths ends no loop
#include "../iter.h"

MAP(BPF_MAP_TYPE_ARRAY, values, __u32, __u64[2], 1);

UPROBE(prog)
{
	struct bpf_iter_num it;
	__u32 zero = 0;
	volatile __u64 *x = bpf_map_lookup_elem(&values, &zero);

	if (!x)
		return 0;
	bpf_iter_num_new(&it, 0, 10);
	while (bpf_iter_num_next(&it)) { // V025
		if (x[0]) {
			bpf_iter_num_destroy(&it);
			bpf_iter_num_new(&it, 0, 10);
		}
		x[1]++;
	}
	bpf_iter_num_destroy(&it);
	return 0;
}
