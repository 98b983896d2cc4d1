// when the tail call succeeds, the function does not go on to repair its caller's index
// kernel: skip, whether it sees this depends on its stable release
#include "../case.h"

MAP(BPF_MAP_TYPE_PROG_ARRAY, progs, __u32, __u32, 4);
MAP(BPF_MAP_TYPE_ARRAY, values, __u32, char[64], 1);

static __attribute__((noinline)) int set(struct pt_regs *ctx, __u64 *i)
{
	*(volatile __u64 *)i = ctx->di;
	bpf_tail_call(ctx, &progs, 0);
	*(volatile __u64 *)i = 5;
	return 0;
}

UPROBE(prog)
{
	__u32 zero = 0;
	volatile __u64 i = 0;
	char *v = bpf_map_lookup_elem(&values, &zero);

	if (!v)
		return 0;
	set(ctx, (__u64 *)&i);
	return v[i];	// V016
}
