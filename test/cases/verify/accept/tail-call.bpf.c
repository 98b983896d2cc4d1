// a tail call, and what happens when there is no such program
#include "../case.h"

MAP(BPF_MAP_TYPE_PROG_ARRAY, progs, __u32, __u32, 4);

UPROBE(prog)
{
	bpf_tail_call(ctx, &progs, 2);
	return 1;
}
