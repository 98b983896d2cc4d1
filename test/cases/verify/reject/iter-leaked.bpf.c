// an iterator that is not destroyed on one path
#include "../iter.h"

UPROBE(prog)
{
	struct bpf_iter_num it;
	int *i;

	bpf_iter_num_new(&it, 0, 10);
	while ((i = bpf_iter_num_next(&it)))
		if (*i == (int)ctx->di)
			return 1;
	bpf_iter_num_destroy(&it);
	return 0;
} // V022
