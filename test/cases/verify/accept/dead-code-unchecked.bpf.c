// what a constant makes unreachable is not checked
#include "../case.h"

const volatile int debug = 0;

UPROBE(prog)
{
	if (debug)
		return *(volatile int *)8;
	return 0;
}
