// in a function, the program that is called takes the function's place
#include "../case.h"

MAP(BPF_MAP_TYPE_PROG_ARRAY, progs, __u32, __u32, 4);

static __attribute__((noinline)) int next(struct pt_regs *ctx)
{
	bpf_tail_call(ctx, &progs, 2);
	return 1;
}

UPROBE(prog)
{
	return next(ctx) + 1;
}
