// a loop that may_goto ends
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile("r0 = 0;"
		     "1: may_goto 2f;"
		     "r0 += 1;"
		     "goto 1b;"
		     "2: exit;");
}
