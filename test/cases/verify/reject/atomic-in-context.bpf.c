// the context is not shared memory
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile("r0 = 0;"	// V032
		     "lock *(u64 *)(r1 + 8) += r0;"
		     "exit;");
}
