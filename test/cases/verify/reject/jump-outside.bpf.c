// a jump behind the end
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile("r0 = 0;"	// V005
		     "if r0 == 0 goto +100;"
		     "exit;");
}
