// there is no r11
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile(".8byte 0x0000000000000bb7;"	// V008
		     "r0 = 0;"
		     "exit;");
}
