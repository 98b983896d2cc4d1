// one load reads an arena on one path and the stack on another
// says: an address in an arena on one path that comes here
#include "../arena.h"

ARENA(arena, 0x10000000);

UPROBE_ASM(prog)
{
	asm volatile("r2 = %[arena] ll; r3 = *(u64 *)(r1 + 112); *(u64 *)(r10 - 8) = r3;" :: [arena] "i"(&arena));
	asm volatile("r1 = addr_space_cast(r3, 0x0, 0x1); if r3 == 7 goto +1; r1 = r10;");
	asm volatile("r0 = *(u64 *)(r1 - 8)");	// V014
	asm volatile("exit");
}
