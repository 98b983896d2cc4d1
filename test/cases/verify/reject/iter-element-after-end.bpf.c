// a number's address is gone with the iterator
#include "../iter.h"

UPROBE(prog)
{
	struct bpf_iter_num it;
	int *i;

	bpf_iter_num_new(&it, 0, 10);
	i = bpf_iter_num_next(&it);
	bpf_iter_num_destroy(&it);
	return i ? *i : 0; // V014
}
