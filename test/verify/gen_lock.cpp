// SPDX-License-Identifier: MIT
// Values with a bpf_spin_lock, and maps that are found in maps.  The kernel has locks in XDP
// programs, not in socket filters and tracing programs.
#include "gen_builder.h"

#include <vector>

enum { SPILLED = -72 };

void builder::lock_call(unsigned value, bool take)
{
	mov(R1, value);
	addi(R1, chance(98) ? (int)GEN_LOCK_OFF : (int)below(24));
	call(take ? HELPER_spin_lock : HELPER_spin_unlock);
}

// One step while the lock of r`value` is held; the pointer is also at r10 + spilled.
void builder::under_lock(unsigned value, int spilled)
{
	static const int offs[] = {0, 12, 16, 0, 16, 8, 10, 20};
	switch (below(14)) {
	case 0: case 1: alu(); break;
	case 2: case 3:
		put(BPFI_STX | BPFI_MEM | sizes[below(4)], value, any(), offs[below(chance(95) ? 5 : 8)], 0);
		break;
	case 4: put(BPFI_LDX | BPFI_MEM | sizes[below(3)], R0, value, offs[below(5)], 0), value_map[R0] = 0; break;
	case 5: put(BPFI_STX | BPFI_MEM | BPFI_DW, R10, value, spilled, 0); break;
	case 6: put(BPFI_LDX | BPFI_MEM | BPFI_DW, value, R10, spilled, 0); break;
	case 7: if (chance(20)) branch(); else spill_fill(); break;	// a branch may leave with the lock
	case 8: if (chance(20)) helper(); else move(); break;
	case 9: if (chance(10)) lock_call(value, true); else atomic(); break;
	case 10: if (chance(20)) subcall(); else value_access(); break;
	case 11: if (chance(50)) loop(); else direct_value(); break;
	case 12: if (chance(15)) iterate(); else stack_variable(); break;
	default: value_access();
	}
}

void builder::locked()
{
	int map = chance(70) ? GEN_LOCK_ARRAY : GEN_LOCK_HASH, at = slot();
	unsigned d = saved();
	if (p.type != PROG_XDP) {
		alu();
		return;
	}
	if (map == GEN_LOCK_ARRAY && chance(85))
		put(BPFI_ST | BPFI_MEM | BPFI_W, R10, 0, at, (int32_t)below(5));
	else
		put(BPFI_STX | BPFI_MEM | BPFI_DW, R10, any(), at, 0);
	imm64(R1, BPFI_LD_MAP, map, 0);
	mov(R2, R10), addi(R2, at);
	call(HELPER_map_lookup_elem);
	if (chance(95))
		jump_later(BPFI_JMP | BPFI_JEQ | BPFI_K, R0, 0, 0, true);
	mov(d, R0);
	value_map[d] = map + 1;
	put(BPFI_STX | BPFI_MEM | BPFI_DW, R10, R0, SPILLED, 0);
	movi(R0, constant());
	value_map[R0] = 0;
	lock_call(d, true);
	std::vector<size_t> over;	// jumps to the place before the unlock
	for (unsigned n = 1 + (unsigned)below(4); n--;) {
		if (chance(25)) {
			over.push_back(p.insn.size());
			put(BPFI_JMP | BPFI_JGT | BPFI_K, any(), 0, 0, constant());
		}
		under_lock(d, SPILLED);
	}
	for (size_t i : over)
		p.insn[i].off = (int16_t)(p.insn.size() - i - 1);
	if (chance(50))			// whatever became of d
		put(BPFI_LDX | BPFI_MEM | BPFI_DW, d, R10, SPILLED, 0), value_map[d] = map + 1;
	if (chance(97))
		lock_call(d, false);
	value_map[R0] = 0;
	movi(R0, constant());
}

// An element of a map that is found in a map.
void builder::inner_lookup()
{
	int outer = chance(60) ? GEN_OUTER_ARRAY : GEN_OUTER_HASH, at = slot();
	unsigned d = saved(), map = R0;
	put(BPFI_ST | BPFI_MEM | BPFI_W, R10, 0, at, (int32_t)below(4));
	if (chance(25))
		put(BPFI_STX | BPFI_MEM | BPFI_W, R10, any(), at, 0);
	imm64(R1, BPFI_LD_MAP, outer, 0);
	mov(R2, R10), addi(R2, at);
	call(HELPER_map_lookup_elem);
	value_map[R0] = 0;
	if (chance(30)) {		// by a copy that was spilled before the check
		put(BPFI_STX | BPFI_MEM | BPFI_DW, R10, R0, SPILLED, 0);
		map = R1;
	}
	if (chance(95))
		jump_later(BPFI_JMP | BPFI_JEQ | BPFI_K, R0, 0, 0, chance(80));
	if (map == R1)
		put(BPFI_LDX | BPFI_MEM | BPFI_DW, R1, R10, SPILLED, 0);
	else
		mov(R1, R0);
	if (chance(5))
		addi(R1, (int32_t)below(2));
	if (chance(70))
		put(BPFI_ST | BPFI_MEM | BPFI_W, R10, 0, at, (int32_t)below(6));
	else
		put(BPFI_STX | BPFI_MEM | BPFI_W, R10, any(), at, 0);
	mov(R2, R10), addi(R2, at);
	if (chance(10)) {		// another helper on the inner map
		mov(R3, R10), addi(R3, -40 - 8 * (int)below(3));
		movi(R4, 0);
		call(chance(60) ? HELPER_map_update_elem : HELPER_map_delete_elem);
		movi(R0, constant());
		return;
	}
	call(HELPER_map_lookup_elem);
	if (chance(93))
		jump_later(BPFI_JMP | BPFI_JEQ | BPFI_K, R0, 0, 0, chance(80));
	mov(d, R0);
	value_map[d] = GEN_IN_A + 1;
	movi(R0, constant());
}
