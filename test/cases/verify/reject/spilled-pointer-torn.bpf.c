// half of a spilled pointer is no pointer
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile("*(u64 *)(r10 - 8) = r1;"	// V010
		     "r0 = *(u32 *)(r10 - 8);"
		     "exit;");
}
