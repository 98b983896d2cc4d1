// a helper id that nobody knows
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile("call 9999;"	// V003
		     "exit;");
}
