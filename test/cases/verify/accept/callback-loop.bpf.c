// bpf_loop calls a function any number of times
#include "../case.h"

struct state { __u64 sum; };

static int add(__u32 i, void *arg)
{
	struct state *s = arg;

	s->sum += i;
	return s->sum > 1000;
}

UPROBE(prog)
{
	struct state s = { 0 };

	bpf_loop(ctx->di, add, &s, 0);
	return s.sum;
}
