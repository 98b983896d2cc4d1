// an opcode that does not exist
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile(".8byte 0x00000000000000ff;"	// V001
		     "exit;");
}
