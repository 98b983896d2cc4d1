// number + r10 is in the frame of r10, whatever the number's register held before
// kernel: accept, 6.18 has this hole
#include "../case.h"

static NAKED __attribute__((noinline)) long f(long *a)
{
	asm volatile("*(u64 *)(r10 - 8) = r1;"	// V014
		     "r2 = -8;"
		     "r2 += r10;"
		     "r3 = 4096;"
		     "*(u64 *)(r2 + 0) = r3;"
		     "r4 = *(u64 *)(r10 - 8);"
		     "r0 = *(u64 *)(r4 + 0);"
		     "exit;");
}

UPROBE(prog)
{
	long a[2] = { ctx->di, ctx->si };

	return f(a) + a[1];
}
