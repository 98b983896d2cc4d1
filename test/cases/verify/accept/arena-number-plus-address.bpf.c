// an address in an arena is the other operand: what comes of it is one, too
#include "../arena.h"

ARENA(arena, 0x10000000);

UPROBE_ASM(prog)
{
	asm volatile("r2 = %[arena] ll; r3 = *(u64 *)(r1 + 112); r1 = addr_space_cast(r1, 0x0, 0x1);" :: [arena] "i"(&arena));
	asm volatile("r2 = 8; r2 += r1; r0 = *(u64 *)(r2 + 0); r3 -= r1; r0 = *(u64 *)(r3 + 0);");
	asm volatile("r4 = r10; r4 += r1; *(u64 *)(r4 + 0) = r0; w5 = 3; w5 *= w1; r0 = *(u64 *)(r5 + 0); exit");
}
