// an iterator that is made anew in each turn ends no loop
// kernel: accept, any iterator that is there will do
#include "../iter.h"

UPROBE(prog)
{
	struct bpf_iter_bits it;
	__u64 words = ctx->di; // V024
	bool more;

	do {
		bpf_iter_bits_new(&it, &words, 1);
		more = bpf_iter_bits_next(&it);
		bpf_iter_bits_destroy(&it);
	} while (more);
	return 0;
}
