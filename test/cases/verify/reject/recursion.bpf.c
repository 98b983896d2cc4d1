// a function that calls itself
#include "../case.h"

static NAKED __attribute__((noinline)) int f(int n)
{
	asm volatile("r1 += -1;"	// V026
		     "if r1 s> 0 goto 1f;"
		     "r0 = 0;"
		     "exit;"
		     "1: call f;"
		     "r0 += 1;"
		     "exit;");
}

UPROBE(prog)
{
	return f(ctx->di);
}
