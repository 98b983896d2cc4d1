// records are reserved in ring buffers
#include "../case.h"

MAP(BPF_MAP_TYPE_HASH, counts, __u64, __u64, 16);

UPROBE_ASM(prog)
{
	asm volatile("r1 = %[counts] ll;"	// V021
		     "r2 = 8;"
		     "r3 = 0;"
		     "call 131;"
		     "r0 = 0;"
		     "exit;"
		     :: [counts]"i"(&counts));
}
