// in a global function a pointer may be NULL
#include "../case.h"

struct pair { __u64 a, b; };

__attribute__((noinline)) int sum(struct pair *p)
{
	return p->a + p->b;	// V015
}

UPROBE(prog)
{
	struct pair p = { ctx->di, ctx->si };

	return sum(&p);
}
