// a number of an iterator is not to be written
#include "../iter.h"

UPROBE(prog)
{
	struct bpf_iter_num it;
	int *i;

	bpf_iter_num_new(&it, 0, 10);
	if ((i = bpf_iter_num_next(&it)))
		*i = 7; // V033
	bpf_iter_num_destroy(&it);
	return 0;
}
