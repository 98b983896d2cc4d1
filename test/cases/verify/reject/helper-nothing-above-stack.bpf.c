// even no byte at all is not to be written at r10, which is above the stack
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile("r3 = 4096;" // V010
		     "r1 = r10;"
		     "r2 = 0;"
		     "call %[read];"
		     "r0 = 0;"
		     "exit;"
		     :
		     : [read] "i"(112));
}
