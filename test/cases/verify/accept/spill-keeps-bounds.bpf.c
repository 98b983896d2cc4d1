// a checked number keeps its bounds through the stack
#include "../case.h"

MAP(BPF_MAP_TYPE_ARRAY, values, __u32, char[64], 1);

UPROBE_ASM(prog)
{
	asm volatile("r6 = *(u64 *)(r1 + 112);"
		     "*(u32 *)(r10 - 4) = 0;"
		     "r2 = r10; r2 += -4;"
		     "r1 = %[values] ll;"
		     "call %[lookup];"
		     "if r0 == 0 goto 1f;"
		     "if r6 > 63 goto 1f;"
		     "*(u64 *)(r10 - 16) = r6;"
		     "r1 = *(u64 *)(r10 - 16);"
		     "r0 += r1;"
		     "r0 = *(u8 *)(r0 + 0);"
		     "exit;"
		     "1: r0 = 0;"
		     "exit;"
		     :: "i"(&values), [values]"i"(&values), [lookup]"i"(bpf_map_lookup_elem));
}
