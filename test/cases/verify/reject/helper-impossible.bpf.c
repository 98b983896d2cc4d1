// the bpf() system call is not made from here
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile("r1 = 0;"	// V028
		     "r2 = r10;"
		     "r2 += -8;"
		     "r3 = 8;"
		     "call 166;"
		     "r0 = 0;"
		     "exit;");
}
