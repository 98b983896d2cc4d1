// a CO-RE access that found no field is a call of a helper that does not exist
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile("call 195896080;"	// V035
		     "exit;");
}
