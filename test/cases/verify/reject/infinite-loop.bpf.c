// a loop that changes nothing
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile("r0 = 0;"	// V024
		     "1: r0 += 0;"
		     "if r0 == 0 goto 1b;"
		     "exit;");
}
