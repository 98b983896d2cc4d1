// a global function wants a dynptr
#include "../dynptr.h"

__noinline int size(const struct bpf_dynptr *d)
{
	return bpf_dynptr_size(d);
}

UPROBE(prog)
{
	struct bpf_dynptr d = { { 1, 2 } };

	return size(&d);	// V038
}
