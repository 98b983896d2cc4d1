// a number that a loop made is a key: helpers read it, but its value decides nothing
#include "../case.h"

MAP(BPF_MAP_TYPE_HASH, counts, __u32, __u64, 16);

UPROBE_ASM(prog)
{
	asm volatile("r9 = 0;"
		     "1: may_goto 2f;"
		     "r9 += 1;"
		     "goto 1b;"
		     "2: r9 >>= 51;"	/* 0, as far as turns are looked at */
		     "*(u32 *)(r10 - 8) = r9;"
		     "r1 = %[counts] ll;"
		     "r2 = r10;"
		     "r2 += -8;"
		     "call 1;"
		     "r0 = 0;"
		     "exit;" :: [counts] "i"(&counts));
}
