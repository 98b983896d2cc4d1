// the frame that a pointer leads to is gone when the function returns
#include "../case.h"

static NAKED __attribute__((noinline)) long f(void)
{
	asm volatile("r0 = r10; exit;");	// V030
}

UPROBE(prog)
{
	return f() != 0;
}
