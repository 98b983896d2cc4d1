// a global function is verified once, for all that its types admit
#include "../case.h"

struct pair { __u64 a, b; };

__attribute__((noinline)) int sum(struct pair *p, __u32 scale)
{
	return p ? (p->a + p->b) * scale : 0;
}

__attribute__((noinline)) int argument(struct pt_regs *ctx)
{
	return ctx->di;
}

UPROBE(prog)
{
	struct pair p = { ctx->di, ctx->si };

	return sum(&p, 3) + argument(ctx) + sum(0, 1);
}
