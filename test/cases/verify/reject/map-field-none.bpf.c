// behind a map's pointer there is nothing to read but its fields
#include "../case.h"

MAP(BPF_MAP_TYPE_HASH, counts, __u32, __u64, 64);

// says: are no field of it
UPROBE_ASM(prog)
{
	asm volatile("r1 = %[counts] ll;" :: [counts] "i"(&counts));
	asm volatile("r0 = *(u64 *)(r1 + 8000)");	// V014
	asm volatile("exit");
}
