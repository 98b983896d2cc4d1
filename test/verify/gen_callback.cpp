// SPDX-License-Identifier: MIT
// Loops whose bodies are functions: bpf_loop, bpf_for_each_map_elem.
#include "gen_builder.h"

#include <cstring>

enum { CTX_BYTES = 16, MAX_DEPTH = 2 };

static bool is_hash(int map) { return map == GEN_HASH; }

// r1 is set; the function, its context and the call follow.
void builder::call_back(int32_t helper, int map)
{
	auto function = [&] {
		size_t same = callbacks.size();
		if (chance(15))		// one that another call has as well
			for (same = 0; same < callbacks.size(); same++)
				if (callbacks[same].map == map && callbacks[same].depth > depth)
					break;
		if (same == callbacks.size())
			callbacks.push_back({{}, map, chance(80), depth + 1});
		callbacks[same].at.push_back(p.insn.size());
		imm64(R2, BPFI_LD_FUNC, 0, 0);
		return callbacks[same].ctx;
	};
	bool ctx = function();
	if (chance(15)) {		// one or the other
		put(BPFI_JMP | BPFI_JGT | BPFI_K, saved(), 0, 2, constant());
		ctx &= function();
	}
	if (ctx && chance(97))
		mov(R3, R10), addi(R3, -(int)CTX_BYTES - 8 * (int)below(5));
	else
		movi(R3, 0);
	movi(R4, chance(95) ? 0 : (int32_t)below(3));
	call(helper);
	memset(value_map, 0, sizeof(value_map));
	if (chance(50))
		mov(saved(), R0);
}

void builder::loop_by_callback()
{
	unsigned n = any();
	if (depth >= MAX_DEPTH) {
		alu();
		return;
	}
	if (chance(50))
		movi(R1, (int32_t)below(24));
	else
		mov(R1, n), put(BPFI_ALU64 | BPFI_AND | BPFI_K, R1, 0, 0, chance(90) ? 31 : 127);
	call_back(HELPER_loop, -1);
}

void builder::each_element()
{
	static const int maps[] = {GEN_HASH, GEN_ARRAY, GEN_ARRAY1, GEN_ARRAY, GEN_HASH, GEN_RODATA, GEN_LOCK_ARRAY};
	int map = chance(95) ? maps[below(p.type == PROG_XDP ? 7 : 6)] : GEN_RINGBUF;
	if (depth >= MAX_DEPTH) {
		alu();
		return;
	}
	imm64(R1, BPFI_LD_MAP, map, 0);
	call_back(HELPER_for_each_map_elem, map);
}

// What elements a hash map has decides what it does, but not their order: it changes its own
// element, or adds to the context.
void builder::commutative_body()
{
	put(BPFI_LDX | BPFI_MEM | BPFI_DW, R7, R2, 0, 0);
	put(BPFI_LDX | BPFI_MEM | sizes[below(4)], R8, R3, (int)below(41), 0);
	movi(R9, constant());
	movi(R0, constant());
	for (unsigned n = (unsigned)below(4); n--;)
		alu();
	if (chance(70))
		put(BPFI_STX | BPFI_MEM | sizes[below(4)], R3, any(), (int)below(41), 0);
	if (chance(60))
		put(BPFI_STX | BPFI_ATOMIC | (chance(70) ? BPFI_DW : BPFI_W), R4, any(), 8 * (int)below(2),
		    chance(70) ? BPFI_ATOMIC_ADD : BPFI_ATOMIC_XOR);
	if (chance(25))
		call(HELPER_map_delete_elem);	// r1, r2: the map, this key
}

void builder::callback_body(const callback &c)
{
	size_t start = p.insn.size();
	for (size_t at : c.at)
		p.insn[at].imm = (int32_t)start - (int32_t)at - 1;
	memset(value_map, 0, sizeof(value_map));
	depth = c.depth;
	if (is_hash(c.map) && c.ctx && chance(60)) {
		commutative_body();
		movi(R0, chance(97) ? 0 : 2);
		put(BPFI_JMP_EXIT, 0, 0, 0, 0);
		return;
	}
	p.by_order |= is_hash(c.map);
	if (c.map < 0) {
		mov(R7, R1), mov(R6, R2);
		movi(R8, constant()), movi(R9, constant());
	} else {
		mov(R9, R3), mov(R6, R4);
		value_map[R9] = gen_maps[(size_t)c.map].value ? c.map + 1 : 0;
		put(BPFI_LDX | BPFI_MEM | sizes[below(c.map == GEN_HASH ? 4 : 3)], R7, R2, 0, 0);
		put(BPFI_LDX | BPFI_MEM | sizes[below(4)], R8, R3, (int)below(1 + (uint64_t)gen_maps[(size_t)c.map].value), 0);
		if (chance(10))
			call(HELPER_map_delete_elem);
	}
	movi(R0, constant());
	begin_blocks(1 + (unsigned)below(4));
	for (; block < n_blocks; block++) {
		unsigned at = 8 * (unsigned)below(chance(97) ? 2 : 20);
		block_at.push_back(p.insn.size());
		switch (below(9)) {
		case 0: case 1: value_access(); break;
		case 2: if (c.ctx) put(BPFI_LDX | BPFI_MEM | sizes[below(4)], R8, R6, (int)at, 0), value_map[R8] = 0; break;
		case 3: case 4: if (c.ctx) put(BPFI_STX | BPFI_MEM | BPFI_DW, R6, any(), (int)at, 0); break;
		case 5: if (chance(30)) loop_by_callback(); else if (chance(30)) each_element();
			else if (chance(50)) locked(); else atomic(); break;
		case 6: lookup(); break;
		default: one_of_function();
		}
	}
	block_at.push_back(p.insn.size());
	switch (below(8)) {
	case 0: put(BPFI_ALU64 | BPFI_AND | BPFI_K, R0, 0, 0, 1); break;
	case 1: mov(R0, R8); put(BPFI_ALU64 | BPFI_AND | BPFI_K, R0, 0, 0, chance(90) ? 1 : 3); break;
	case 2: put(BPFI_ALU64 | BPFI_RSH | BPFI_K, R0, 0, 0, 63); break;
	default: movi(R0, chance(95) ? (int32_t)below(3) == 1 : 2);
	}
	put(BPFI_JMP_EXIT, 0, 0, 0, 0);
}
