// a shift by the width of the register
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile("r0 = 1;"	// V017
		     ".8byte 0x0000004000000067;"
		     "exit;");
}
