// constant data stays constant
#include "../case.h"

const volatile int limit = 5;

UPROBE(prog)
{
	int *p = (int *)&limit;

	hide(p);
	*p = 6;	// V033
	return 0;
}
