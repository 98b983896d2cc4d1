// a callback says go on or stop
#include "../case.h"

static int add(__u32 i, void *arg)
{
	return i;	// V030
}

UPROBE(prog)
{
	return bpf_loop(10, add, 0, 0);
}
