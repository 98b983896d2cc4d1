// how often the callback runs is a number
#include "../case.h"

MAP(BPF_MAP_TYPE_ARRAY, values, __u32, __u64, 1);

static __noinline long never(__u32 i, void *arg)
{
	return *(volatile __u8 *)0;
}

UPROBE(prog)
{
	long (*f)(__u32, void *) = never;

	asm volatile("r1 = r10; r2 = %[f]; r3 = 0; r4 = 0; call 181;"	// V019
		     : : [f] "r"(f) : "r0", "r1", "r2", "r3", "r4", "r5");
	return 0;
}
