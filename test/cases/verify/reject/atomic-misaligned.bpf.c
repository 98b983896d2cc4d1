// atomic operations are aligned
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile("r0 = 0;"	// V010
		     "*(u64 *)(r10 - 16) = r0;"
		     "lock *(u64 *)(r10 - 12) += r0;"
		     "exit;");
}
