// only + and - work on pointers
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile("r1 *= 2;"	// V016
		     "r0 = 0;"
		     "exit;");
}
