// an iterator over bits that is not destroyed on one path
#include "../iter.h"

UPROBE(prog)
{
	struct bpf_iter_bits it;
	int *i;

	bpf_iter_bits_new(&it, (const __u64 *)ctx->di, 2);
	while ((i = bpf_iter_bits_next(&it)))
		if (*i == (int)ctx->si)
			return 1;
	bpf_iter_bits_destroy(&it);
	return 0;
} // V022
