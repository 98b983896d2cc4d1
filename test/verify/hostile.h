// SPDX-License-Identifier: MIT
// Programs that try to break out, instruction by instruction, with the verdict that they get
// here and from the kernel.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "coder.h"
#include "maps.h"

struct hostile : coder {
	std::vector<std::pair<size_t, int>> funcs;	// ld_imm64 of function n, or a call of it
	std::vector<size_t> starts;			// where function n begins

	void movi(unsigned d, int32_t v) { put(BPFI_ALU64 | BPFI_MOV | BPFI_K, d, 0, 0, v); }
	void mov(unsigned d, unsigned s) { put(BPFI_ALU64 | BPFI_MOV | BPFI_X, d, s, 0, 0); }
	void addi(unsigned d, int32_t v) { put(BPFI_ALU64 | BPFI_ADD | BPFI_K, d, 0, 0, v); }
	void add(unsigned d, unsigned s) { put(BPFI_ALU64 | BPFI_ADD | BPFI_X, d, s, 0, 0); }
	void andi(unsigned d, int32_t v) { put(BPFI_ALU64 | BPFI_AND | BPFI_K, d, 0, 0, v); }
	void ldx(unsigned d, unsigned s, int off, unsigned size = BPFI_DW) { put(BPFI_LDX | BPFI_MEM | size, d, s, off, 0); }
	void stx(unsigned d, int off, unsigned s, unsigned size = BPFI_DW) { put(BPFI_STX | BPFI_MEM | size, d, s, off, 0); }
	void st(unsigned d, int off, int32_t v, unsigned size = BPFI_DW) { put(BPFI_ST | BPFI_MEM | size, d, 0, off, v); }
	// Jumps `over` instructions.
	void jeq(unsigned r, int32_t v, int over) { put(BPFI_JMP | BPFI_JEQ | BPFI_K, r, 0, over, v); }
	void jne(unsigned r, int32_t v, int over) { put(BPFI_JMP | BPFI_JNE | BPFI_K, r, 0, over, v); }
	void ja(int over) { put(BPFI_JMP_JA, 0, 0, over, 0); }
	void map(unsigned r, int m) { imm64(r, (uint64_t)m, BPFI_LD_MAP); }
	void exit() { put(BPFI_JMP_EXIT, 0, 0, 0, 0); }
	void ret(int32_t v) { movi(0, v), exit(); }
	void random(unsigned r) { helper(HELPER_get_prandom_u32), mov(r, 0); }
	// Function n of those that begin() starts, behind the program.
	void func(unsigned r, int n)
	{
		funcs.push_back({insn.size(), n});
		imm64(r, 0, BPFI_LD_FUNC);
	}
	void call(int n)
	{
		funcs.push_back({insn.size(), n});
		put(BPFI_JMP_CALL, 0, BPFI_CALL_LOCAL, 0, 0);
	}
	void begin() { starts.push_back(insn.size()); }
	// r0 = what a map has at a key
	void lookup(int m, int32_t key, int at = -8)
	{
		st(10, at, key), map(1, m), place(2, at);
		helper(HELPER_map_lookup_elem);
	}
	void link()
	{
		for (auto &f : funcs)
			insn[f.first].imm = (int32_t)starts[(size_t)f.second] - (int32_t)f.first - 1;
	}
};

enum kernel_says { AS_HERE, ACCEPTS, REFUSES, NOT_ASKED };

struct hostile_case {
	const char *name;
	const char *code;	// of the diagnostic; NULL: it is safe and accepted
	void (*with)(hostile &c);
	enum kernel_says kernel = AS_HERE;
	const char *why = "";	// it says something else
	enum prog_type type = PROG_KPROBE;
};

// The verdicts of all of them.
void expect_verdicts(const std::vector<hostile_case> &cases);
