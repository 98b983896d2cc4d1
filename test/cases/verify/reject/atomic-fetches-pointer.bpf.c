// what an atomic operation fetches from a spilled pointer is that pointer, not a number
#include "../case.h"

MAP(BPF_MAP_TYPE_ARRAY, counts, __u32, __u64, 1);

UPROBE_ASM(prog)
{
	asm volatile("*(u64 *)(r10 - 8) = r10;" // V016
		     "r1 = 8;"
		     "r1 = atomic_fetch_add((u64 *)(r10 - 8), r1);"
		     "r1 &= 3;"
		     "r0 = r1;"
		     "exit;");
}
