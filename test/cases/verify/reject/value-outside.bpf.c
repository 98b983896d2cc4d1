// 8 bytes at 4 in a value of 8
// says: do not fit into 8
#include "../case.h"

MAP(BPF_MAP_TYPE_HASH, counts, __u64, __u64, 16);

UPROBE_ASM(prog)
{
	asm volatile("r0 = 0;"	// V011
		     "*(u64 *)(r10 - 8) = r0;"
		     "r2 = r10;"
		     "r2 += -8;"
		     "r1 = %[counts] ll;"
		     "call %[lookup];"
		     "if r0 == 0 goto 1f;"
		     "r0 = *(u64 *)(r0 + 4);"
		     "1: r0 = 0;"
		     "exit;"
		     :: [counts]"i"(&counts), [lookup]"i"(bpf_map_lookup_elem));
}
