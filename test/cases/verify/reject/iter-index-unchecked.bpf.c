// an index that nothing bounds is refused after any number of turns
#include "../iter.h"

MAP(BPF_MAP_TYPE_ARRAY, sums, __u32, __u64[16], 1);

UPROBE(prog)
{
	struct bpf_iter_num it;
	__u32 zero = 0, at = 0;
	__u64 *sum = bpf_map_lookup_elem(&sums, &zero);

	if (!sum)
		return 0;
	bpf_iter_num_new(&it, 0, 10);
	while (bpf_iter_num_next(&it)) {
		hide(at);
		sum[at] = 1; // V011
		at++;
	}
	bpf_iter_num_destroy(&it);
	return 0;
}
