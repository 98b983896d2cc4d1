// atomic operations that fetch what was there work in an arena, all of them
// kernel: reject, its compiler for x86-64 has no exception tables for three of them
#include "../arena.h"

ARENA(arena, 0x10000000);

UPROBE_ASM(prog)
{
	asm volatile("r2 = %[arena] ll; r1 = addr_space_cast(r1, 0x0, 0x1); r2 = 8;" :: [arena] "i"(&arena));
	asm volatile("r2 = atomic_fetch_and((u64 *)(r1 + 0), r2); r2 = atomic_fetch_or((u64 *)(r1 + 8), r2);");
	asm volatile("r2 = atomic_fetch_xor((u64 *)(r1 + 16), r2); r0 = r2; exit");
}
