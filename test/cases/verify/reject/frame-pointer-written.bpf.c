// r10 is read-only
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile("r10 = 0;"	// V008
		     "r0 = 0;"
		     "exit;");
}
