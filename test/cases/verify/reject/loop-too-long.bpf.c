// more than a million instructions
// says: does every loop end
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile("r0 = 0;"	// V025
		     "1: r0 += 1;"
		     "if r0 != 2000000 goto 1b;"
		     "exit;");
}
