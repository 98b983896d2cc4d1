// a loop of many turns is not known from one of few
// kernel: accept, 6.18 has this hole
#include "../case.h"

MAP(BPF_MAP_TYPE_ARRAY, values, __u32, __u64[2], 1);

struct at {
	__u64 *value;
	__u64 n;
	__u64 bits;
};

static __noinline long put(__u32 i, struct at *a)
{
	__u64 n = a->n, x = a->bits;

	a->value[n] = x;	// V011
	a->n = n + 1;
	n = 0;
	if (x & 1)
		asm volatile("r0 = 1;" : : : "r0");
	if (x & 2)
		asm volatile("r0 = 2;" : : : "r0");
	if (x & 4)
		asm volatile("r0 = 3;" : : : "r0");
	if (x & 8)
		asm volatile("r0 = 4;" : : : "r0");
	return 0;
}

UPROBE(prog)
{
	__u32 key = 0;
	struct at a = { .value = bpf_map_lookup_elem(&values, &key), .bits = ctx->si };

	if (!a.value)
		return 0;
	if (ctx->di)
		bpf_loop(2, put, &a, 0);
	else
		bpf_loop(100, put, &a, 0);
	return 0;
}
