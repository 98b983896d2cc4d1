// an address in an arena is stored in the stack as a whole
#include "../arena.h"

ARENA(arena, 0x10000000);

UPROBE_ASM(prog)
{
	asm volatile("r2 = %[arena] ll; r1 = addr_space_cast(r1, 0x0, 0x1);" :: [arena] "i"(&arena));
	asm volatile("*(u32 *)(r10 - 8) = r1");	// V010
	asm volatile("r0 = 0; exit");
}
