// may_goto counts anew in each call of a function: it ends no loop around it
// kernel: accept, it does not ask whether it is the same call
#include "../case.h"

static __attribute__((noinline)) int once(void)
{
	int r = 0;

	asm volatile(".byte 0xe5, 0; .short 1; .long 0; %0 = 1" : "+r"(r));
	return r;
}

UPROBE(prog)
{
	while (once()) // V024
		;
	return 0;
}
