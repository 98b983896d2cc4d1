// a move of a constant has no source register
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile(".8byte 0x00000001000010b7;"	// V004
		     "exit;");
}
