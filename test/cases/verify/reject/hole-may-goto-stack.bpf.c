// 512 bytes of stack, and the counter of may_goto besides
// kernel: accept, 6.18 has this hole
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile("r0 = 0;"	// V027
		     "*(u64 *)(r10 - 512) = r0;"
		     "1: may_goto 2f;"
		     "r0 += 1;"
		     "goto 1b;"
		     "2: exit;");
}
