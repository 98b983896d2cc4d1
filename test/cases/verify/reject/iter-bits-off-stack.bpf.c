// an iterator over bits has 16 bytes; half of them are not enough
#include "../iter.h"

UPROBE(prog)
{
	struct bpf_iter_bits *it;

	asm volatile("%0 = r10; %0 += -8" : "=r"(it));
	return bpf_iter_bits_new(it, (const __u64 *)ctx->di, 1); // V019
}
