// an iterator is memory that only its functions touch
#include "../iter.h"

UPROBE(prog)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 10);
	*(volatile __u32 *)&it = 5; // V010
	bpf_iter_num_destroy(&it);
	return 0;
}
