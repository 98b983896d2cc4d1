// a helper whose prototype is known, but which nothing here provides
// kernel: accept, it has the helper
#include "../case.h"

static long once(__u32 i, void *ctx)
{
	return i != 0;
}

UPROBE(prog)
{
	return bpf_loop(4, once, 0, 0) != 1;	// V029
}
