// the context is read-only
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile("r0 = 0;"	// V009
		     "*(u64 *)(r1 + 80) = r0;"
		     "exit;");
}
