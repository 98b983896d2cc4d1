// below the 512 bytes of stack
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile("r0 = 0;"	// V010
		     "*(u64 *)(r10 - 520) = r0;"
		     "exit;");
}
