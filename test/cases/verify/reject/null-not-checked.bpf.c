// a lookup may fail
// says: call bpf_map_lookup_elem
#include "../case.h"

MAP(BPF_MAP_TYPE_HASH, counts, __u64, __u64, 16);

UPROBE_ASM(prog)
{
	asm volatile("r0 = 0;"	// V015
		     "*(u64 *)(r10 - 8) = r0;"
		     "r2 = r10;"
		     "r2 += -8;"
		     "r1 = %[counts] ll;"
		     "call %[lookup];"
		     "r0 = *(u64 *)(r0 + 0);"
		     "exit;"
		     :: [counts]"i"(&counts), [lookup]"i"(bpf_map_lookup_elem));
}
