// a global function gets what its type says
#include "../case.h"

struct pair { __u64 a, b; };

__attribute__((noinline)) int sum(struct pair *p)
{
	return p ? p->a + p->b : 0;
}

UPROBE(prog)
{
	return sum((void *)ctx->di);	// V038
}
