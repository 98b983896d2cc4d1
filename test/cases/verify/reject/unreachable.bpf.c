// code that no path leads to
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile("r0 = 0;"	// V007
		     "exit;"
		     "r0 = 1;"
		     "exit;");
}
