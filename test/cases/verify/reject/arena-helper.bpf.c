// no helper takes an address in an arena for memory
#include "../arena.h"

ARENA(arena, 0x10000000);

UPROBE_ASM(prog)
{
	asm volatile("r2 = %[arena] ll; r1 = addr_space_cast(r1, 0x0, 0x1); r2 = 8;" :: [arena] "i"(&arena));
	asm volatile("call 16");		// V019
	asm volatile("r0 = 0; exit");
}
