// the next number of an iterator that was never made
#include "../iter.h"

UPROBE(prog)
{
	struct bpf_iter_num it;

	asm volatile("" : : "r"(&it) : "memory");
	return bpf_iter_num_next(&it) ? 1 : 0; // V019
}
