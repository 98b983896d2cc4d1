// the second half of an iterator over bits is its own, too
#include "../iter.h"

UPROBE(prog)
{
	struct bpf_iter_bits it;

	bpf_iter_bits_new(&it, (const __u64 *)ctx->di, 2);
	((volatile __u32 *)&it)[2] = 64; // V010
	bpf_iter_bits_destroy(&it);
	return 0;
}
