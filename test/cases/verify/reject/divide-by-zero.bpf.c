// division by the constant 0
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile("r0 = 1;"	// V017
		     ".8byte 0x0000000000000037;"
		     "exit;");
}
