// behind the last register
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile("r0 = *(u64 *)(r1 + 168);"	// V009
		     "exit;");
}
