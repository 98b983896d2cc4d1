// addresses are cast only in a program that names the arena they are of
#include "../arena.h"

UPROBE_ASM(prog)
{
	asm volatile("r1 = addr_space_cast(r1, 0x0, 0x1)");	// V034
	asm volatile("r0 = 0; exit");
}
