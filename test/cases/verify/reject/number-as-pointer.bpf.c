// a number is not a pointer
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile("r1 = *(u64 *)(r1 + 112);"	// V014
		     "r0 = *(u64 *)(r1 + 0);"
		     "exit;");
}
