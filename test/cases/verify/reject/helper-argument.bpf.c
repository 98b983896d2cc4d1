// the destination must be memory
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile("r1 = 0;"	// V019
		     "r2 = 8;"
		     "r3 = 0;"
		     "call 112;"
		     "r0 = 0;"
		     "exit;");
}
