// arithmetic is of 32 bits where it is on an address in an arena, and of 64 where it is not: it cannot be both
// kernel: accept, and it is of 32 bits for both
#include "../arena.h"

ARENA(arena, 0x10000000);

UPROBE_ASM(prog)
{
	asm volatile("r2 = %[arena] ll; r3 = *(u64 *)(r1 + 112);" :: [arena] "i"(&arena));
	asm volatile("r1 = addr_space_cast(r3, 0x0, 0x1); if r3 == 7 goto +1; r1 = r3;");
	asm volatile("r1 >>= 1");		// V016
	asm volatile("r0 = r1; exit");
}
