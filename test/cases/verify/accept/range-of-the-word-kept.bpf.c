// a number that is <= 0 signed, and <= 1 unsigned, is 0
// kernel: reject, 6.18 takes the range of the lower half, 0..1, for that of the word
#include "../case.h"

MAP(BPF_MAP_TYPE_ARRAY, values, __u32, __u64[6], 1);

UPROBE_ASM(prog)
{
	asm volatile("r6 = *(u64 *)(r1 + 112);"
		     "*(u32 *)(r10 - 8) = 0;"
		     "r1 = %[values] ll;"
		     "r2 = r10;"
		     "r2 += -8;"
		     "call 1;"
		     "if r0 == 0 goto 1f;"
		     "if r6 s> 0 goto 1f;"
		     "if w6 > 64 goto 1f;"
		     "if r6 > 1 goto 1f;"
		     "r0 -= r6;"
		     "*(u64 *)(r0 + 0) = 256;"
		     "1: r0 = 0;"
		     "exit;" :: [values] "i"(&values));
}
