// ld_abs reads a packet that a uprobe does not have
#include "../case.h"

UPROBE_ASM(prog)
{
	asm volatile("r6 = r1;"	// V012
		     "r0 = *(u8 *)skb[0];"
		     "exit;");
}
