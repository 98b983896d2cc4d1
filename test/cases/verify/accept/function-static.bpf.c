// static functions may use their callers' stack and return numbers
#include "../case.h"

static __attribute__((noinline)) int fill(__u64 *to, __u64 v)
{
	to[0] = v;
	to[1] = v + 1;
	return 2;
}

UPROBE(prog)
{
	__u64 a[2];
	int n = fill(a, ctx->di);

	return a[0] + a[1] + n;
}
