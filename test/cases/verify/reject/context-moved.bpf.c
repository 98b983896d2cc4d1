// the context is read at its start only
// says: through a pointer that was moved
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile("r1 += 8;"	// V009
		     "r0 = *(u64 *)(r1 + 0);"
		     "exit;");
}
