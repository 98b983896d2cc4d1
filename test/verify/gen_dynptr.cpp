// SPDX-License-Identifier: MIT
// Blocks with dynptrs: made, used by the helpers and kernel functions there are, cloned, and
// ended; sometimes leaked, overwritten, or used when they are gone.
#include "gen_builder.h"

enum { AT = -88, CLONE_AT = -104, FAULT = 3 /* percent */ };

// A number in 0..mask: known, or not.
void builder::small(unsigned reg, unsigned mask)
{
	if (chance(60)) {
		movi(reg, (int32_t)below(mask + 1ull));
		return;
	}
	mov(reg, any());
	if (chance(95))
		put(BPFI_ALU64 | BPFI_AND | BPFI_K, reg, 0, 0, (int32_t)mask);
}

void builder::dynptr_make(int at, bool record)
{
	unsigned value = saved();
	if (record) {
		small(R2, chance(90) ? 63 : 4095);
		imm64(R1, BPFI_LD_MAP, chance(98) ? GEN_RINGBUF : GEN_HASH, 0);
		movi(R3, chance(97) ? 0 : 1);
		place(R4, at);
		call(HELPER_ringbuf_reserve_dynptr);
	} else {
		int off = 8 * (int)below(5);
		if (value_map[value] && chance(50)) {
			mov(R1, value), addi(R1, (int)below(8));
			small(R2, 31);
		} else {
			imm64(R1, BPFI_LD_MAP_VALUE, chance(97) ? GEN_ARRAY1 : GEN_RODATA, off);
			small(R2, chance(97) ? 31 : 63);
		}
		movi(R3, chance(97) ? 0 : 1);
		place(R4, at);
		call(HELPER_dynptr_from_mem);
	}
	if (chance(40)) {
		unsigned d = any();
		mov(d, R0), value_map[d] = 0;
	}
	value_map[R0] = 0;
}

// Memory of the dynptr, by any of the ways to it; then `slice` points there, or is NULL.
void builder::dynptr_access(int at, unsigned slice)
{
	int bytes = chance(70) ? 8 : (int)below(24);
	bool rdwr = p.type == PROG_XDP && chance(50), data = chance(50);
	place(R1, at);
	small(R2, chance(80) ? 7 : 63);
	if (data) {
		chance(97) ? movi(R3, bytes) : mov(R3, any());
		call(HELPER_dynptr_data);
	} else {
		if (chance(60))
			movi(R3, 0);
		else
			place(R3, -8 * (1 + (int)below(8)));
		chance(97) ? movi(R4, bytes) : mov(R4, any());
		kfunc(rdwr ? GEN_DYNPTR_SLICE_RDWR : GEN_DYNPTR_SLICE);
	}
	mov(slice, R0), value_map[slice] = 0;
	movi(R0, constant());
	size_t check = p.insn.size();
	if (chance(97))
		put(BPFI_JMP | BPFI_JEQ | BPFI_K, slice, 0, 0, 0);
	int off = std::max(0, bytes - 8 + (chance(FAULT) ? 1 : 0));
	unsigned size = bytes >= 8 ? sizes[below(4)] : (unsigned)BPFI_B;
	if ((data || rdwr) && chance(50))
		put(BPFI_STX | BPFI_MEM | size, slice, R7 == slice ? R8 : R7, off, 0);
	else
		put(BPFI_LDX | BPFI_MEM | size, R0, slice, off, 0), value_map[R0] = 0;
	if (p.insn[check].code == (BPFI_JMP | BPFI_JEQ | BPFI_K))
		p.insn[check].off = (int16_t)(p.insn.size() - check - 1);
}

void builder::dynptr_use(int at, int clone_at, int *cloned, unsigned slice)
{
	int other = *cloned && chance(50) ? clone_at : at, buffer = slot();
	switch (below(11)) {
	case 0:
		place(R1, buffer);
		small(R2, (unsigned)std::min(-buffer, 8) - 1);
		place(R3, at);
		small(R4, chance(80) ? 15 : 4095);
		movi(R5, chance(97) ? 0 : 1);
		call(HELPER_dynptr_read);
		break;
	case 1: case 2:
		place(R1, at);
		small(R2, chance(80) ? 15 : 4095);
		place(R3, buffer);
		small(R4, (unsigned)std::min(-buffer, 8) - 1);
		movi(R5, chance(97) ? 0 : 1);
		call(HELPER_dynptr_write);
		break;
	case 3: case 4:
		dynptr_access(at, slice);
		return;
	case 5:
		place(R1, at);
		small(R2, 7), small(R3, 31);
		kfunc(GEN_DYNPTR_ADJUST);
		break;
	case 6:
		place(R1, at), place(R2, chance(97) ? clone_at : slot());
		kfunc(GEN_DYNPTR_CLONE);
		*cloned = 1;
		break;
	case 7:
		place(R1, at), small(R2, 15), place(R3, other), small(R4, 15), small(R5, 15);
		kfunc(GEN_DYNPTR_COPY);
		break;
	case 8:
		place(R1, other), small(R2, 15), small(R3, 15), mov(R4, any());
		kfunc(GEN_DYNPTR_MEMSET);
		break;
	case 9:
		place(R1, other);
		kfunc(GEN_DYNPTR_SIZE);
		break;
	default:
		place(R1, other);
		kfunc(chance(50) ? GEN_DYNPTR_IS_NULL : GEN_DYNPTR_IS_RDONLY);
		put(BPFI_ALU64 | BPFI_AND | BPFI_K, R0, 0, 0, 255);	// of a bool x86 says no more
	}
	value_map[R0] = 0;
	if (chance(60)) {
		unsigned d = any();
		if (d != slice)
			mov(d, R0), value_map[d] = 0;
	}
}

void builder::dynptr_end(int at, bool record)
{
	if (record && chance(100 - FAULT)) {
		place(R1, at);
		movi(R2, 0);
		call(chance(50) ? HELPER_ringbuf_submit_dynptr : HELPER_ringbuf_discard_dynptr);
	} else if (!record && chance(30)) {
		put(BPFI_STX | BPFI_MEM | sizes[below(4)], R10, any(), at + 8 * (int)below(2), 0);
	} else if (!record && chance(20)) {
		dynptr_make(at, false);
	}
	movi(R0, constant()), value_map[R0] = 0;
}

void builder::dynptr()
{
	bool record = chance(50);
	int at = chance(95) ? AT : slot(), clone_at = CLONE_AT, cloned = 0;
	unsigned slice = saved();
	if (record)	// nothing lies where the last block left a dynptr
		at = AT;
	dynptr_make(at, record);
	for (uint64_t n = 1 + below(4); n--;) {
		dynptr_use(at, clone_at, &cloned, slice);
		if (chance(8))
			branch();
	}
	if (chance(90))
		movi(slice, constant());
	dynptr_end(cloned && chance(30) ? clone_at : at, record);
	if (chance(FAULT))	// gone, or not
		dynptr_use(at, clone_at, &cloned, slice);
	if (chance(70))
		movi(slice, constant());
	value_map[slice] = 0;
}
