// r0 is what the program returns
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile("exit;");	// V002
}
