// two iterators, each of which is made anew where the other one goes on, end no loop
#include "../iter.h"

MAP(BPF_MAP_TYPE_ARRAY, values, __u32, __u64, 1);

UPROBE(prog)
{
	struct bpf_iter_num a, b;
	__u32 zero = 0;
	volatile __u64 *x = bpf_map_lookup_elem(&values, &zero);

	if (!x)
		return 0;
	bpf_iter_num_new(&a, 0, 3);
	bpf_iter_num_new(&b, 0, 3);
	for (;;) {
		if (*x ^= 1) {
			if (!bpf_iter_num_next(&a)) // V025
				break;
			bpf_iter_num_destroy(&b);
			bpf_iter_num_new(&b, 0, 3);
		} else {
			if (!bpf_iter_num_next(&b))
				break;
			bpf_iter_num_destroy(&a);
			bpf_iter_num_new(&a, 0, 3);
		}
	}
	bpf_iter_num_destroy(&a);
	bpf_iter_num_destroy(&b);
	return 0;
}
