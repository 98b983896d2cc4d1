// control must not run off the end
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile("r0 = 0;");	// V006
}
