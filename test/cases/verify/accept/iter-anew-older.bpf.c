// iterators inside loops: made in each turn; made before the one outside, and anew in each turn; loops of callbacks and may_goto in functions
#include "../iter.h"

static int note(__u32 i, int *sum)
{
	*sum += (int)i;
	return 0;
}

UPROBE(prog)
{
	struct bpf_iter_num outer, inner;
	int sum = 0, *i;

	bpf_iter_num_new(&inner, 0, 3);
	bpf_iter_num_new(&outer, 0, 10);
	while ((i = bpf_iter_num_next(&outer))) {
		sum += *i;
		bpf_iter_num_destroy(&inner);
		bpf_iter_num_new(&inner, 0, 3);
		while ((i = bpf_iter_num_next(&inner)))
			sum += *i;
		bpf_loop(4, note, &sum, 0);
	}
	bpf_iter_num_destroy(&outer);
	bpf_iter_num_destroy(&inner);
	return sum;
}
