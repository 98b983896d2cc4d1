// an iterator is made where there is one
#include "../iter.h"

UPROBE(prog)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 10);
	bpf_iter_num_new(&it, 0, 10); // V010
	bpf_iter_num_destroy(&it);
	return 0;
}
