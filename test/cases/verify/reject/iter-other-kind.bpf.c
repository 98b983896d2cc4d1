// the next bit of an iterator over numbers
#include "../iter.h"

UPROBE(prog)
{
	struct {
		struct bpf_iter_num it, more;
	} s = {};
	int n = 0;

	bpf_iter_num_new(&s.it, 0, 10);
	n = !!bpf_iter_bits_next((struct bpf_iter_bits *)&s.it); // V019
	bpf_iter_num_destroy(&s.it);
	return n;
}
