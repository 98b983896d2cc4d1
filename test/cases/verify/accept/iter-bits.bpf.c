// loops over the bits of a map's value and of memory of the process, a loop over numbers inside
#include "../iter.h"

MAP(BPF_MAP_TYPE_ARRAY, masks, __u32, __u64[16], 1);

UPROBE(prog)
{
	struct bpf_iter_bits it, theirs;
	struct bpf_iter_num inner;
	__u32 zero = 0, n = 0;
	__u64 *mask = bpf_map_lookup_elem(&masks, &zero);
	int *i, *j;

	if (!mask)
		return 0;
	bpf_iter_bits_new(&it, mask, 4);
	while ((i = bpf_iter_bits_next(&it))) {
		bpf_iter_num_new(&inner, 0, 3);
		while ((j = bpf_iter_num_next(&inner)))
			n += *i == *j;
		bpf_iter_num_destroy(&inner);
		mask[*i & 15] += n;
	}
	bpf_iter_bits_destroy(&it);
	bpf_iter_bits_new(&theirs, (const __u64 *)ctx->di, (__u32)ctx->si);
	while ((i = bpf_iter_bits_next(&theirs)))
		n++;
	bpf_iter_bits_destroy(&theirs);
	return n;
}
