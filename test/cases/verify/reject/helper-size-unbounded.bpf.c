// a size that may be anything
// says: may be negative
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile("r2 = *(u64 *)(r1 + 112);"	// V020
		     "r1 = r10;"
		     "r1 += -8;"
		     "r3 = 0;"
		     "call 112;"
		     "r0 = 0;"
		     "exit;");
}
