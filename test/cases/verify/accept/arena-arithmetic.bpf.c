// anything may be computed of an address in an arena; what a load has to do with a cast is nothing to the verifier
#include "../arena.h"

ARENA(arena, 0x10000000);

UPROBE_ASM(prog)
{
	asm volatile("r6 = r1; r2 = %[arena] ll; r1 = *(u64 *)(r6 + 112);"
		     "r1 = addr_space_cast(r1, 0x0, 0x1); r1 *= 3; r1 >>= 3; r1 ^= r6; r1 |= 4; r1 -= r1; w1 += 5;"
		     "r0 = *(u8 *)(r1 + 0); *(u64 *)(r1 - 3) = r1; *(u64 *)(r10 - 8) = r1; r3 = *(u64 *)(r10 - 8);"
		     "r0 = *(s8 *)(r3 + 7); if r3 == 0 goto +1; r0 = *(u64 *)(r3 + 0); r3 = -r3; r0 += r3; exit"
		     :: [arena] "i"(&arena) : "r0", "r1", "r2", "r3", "r6", "memory");
}
