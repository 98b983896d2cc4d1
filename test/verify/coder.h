// SPDX-License-Identifier: MIT
// Programs over gen_maps and gen_kfuncs, instruction by instruction.
#pragma once

#include "gen.h"

struct coder {
	std::vector<bpfi> insn;

	void put(unsigned c, unsigned dst, unsigned src, int off, int32_t imm)
	{
		bpfi i = {};
		i.code = (uint8_t)c, i.dst = dst & 15, i.src = src & 15, i.off = (int16_t)off, i.imm = imm;
		insn.push_back(i);
	}
	void imm64(unsigned r, uint64_t v, unsigned src = 0)
	{
		put(BPFI_LD_IMM64, r, src, 0, (int32_t)v);
		put(0, 0, 0, 0, (int32_t)(v >> 32));
	}
	void value(unsigned r, unsigned off) { imm64(r, (uint64_t)off << 32 | GEN_ARRAY1, BPFI_LD_MAP_VALUE); }
	void place(unsigned r, int at)
	{
		put(BPFI_ALU64 | BPFI_MOV | BPFI_X, r, BPFI_R10, 0, 0);
		put(BPFI_ALU64 | BPFI_ADD | BPFI_K, r, 0, 0, at);
	}
	void helper(int32_t id) { put(BPFI_JMP_CALL, 0, 0, 0, id); }
	void kfunc(int32_t i) { put(BPFI_JMP_CALL, 0, BPFI_CALL_KFUNC, 0, i); }
};
