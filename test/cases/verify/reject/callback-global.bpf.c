// only static functions are callbacks
#include "../case.h"

__attribute__((noinline)) int add(__u32 i, void *arg)
{
	return 0;
}

UPROBE(prog)
{
	return bpf_loop(10, add, 0, 0);	// V039
}
