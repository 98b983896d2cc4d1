// a jump into the second half of an instruction
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile("r0 = 0;"	// V005
		     "if r0 == 0 goto +1;"
		     "r1 = 5 ll;"
		     "exit;");
}
