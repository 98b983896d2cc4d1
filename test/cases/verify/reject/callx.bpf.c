// the callee of a verified program is known
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile(".8byte 0x000000000000008d;"	// V037
		     "exit;");
}
