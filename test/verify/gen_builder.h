// SPDX-License-Identifier: MIT
// What the blocks of gen.cpp, gen_callback.cpp, gen_dynptr.cpp and gen_lock.cpp are built with.
#pragma once

#include "gen.h"
#include "maps.h"

enum { R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10 };
inline const unsigned sizes[4] = {BPFI_B, BPFI_H, BPFI_W, BPFI_DW};

class builder {
public:
	builder(uint64_t seed) : rnd(seed) {}
	gen_prog make(uint64_t seed);

private:
	std::mt19937_64 rnd;
	gen_prog p;
	struct fix { size_t insn; unsigned block; };
	std::vector<fix> fixes;			// jumps to the start of a block, or the end
	std::vector<size_t> block_at;
	std::vector<size_t> calls;		// calls of the one subprogram
	struct callback {			// a function that a helper calls
		std::vector<size_t> at;		// the ld_imm64s with its address
		int map;			// bpf_for_each_map_elem: index; -1: bpf_loop
		bool ctx;			// has a pointer to the stack, not NULL
		unsigned depth;
	};
	std::vector<callback> callbacks;
	unsigned depth = 0;			// of loops by callbacks around what is made
	unsigned block = 0, n_blocks = 0;
	bool divide = false;			// has ranges that the kernel does not
	int value_map[10] = {};			// register: map index + 1 whose value it points at

	uint64_t below(uint64_t n) { return rnd() % n; }
	bool chance(unsigned percent) { return below(100) < percent; }
	int32_t constant();
	void put(unsigned code, unsigned dst, unsigned src, int off, int32_t imm)
	{
		bpfi i = {};
		i.code = (uint8_t)code, i.dst = dst & 15, i.src = src & 15, i.off = (int16_t)off, i.imm = imm;
		p.insn.push_back(i);
	}
	void mov(unsigned d, unsigned s) { put(BPFI_ALU64 | BPFI_MOV | BPFI_X, d, s, 0, 0); }
	void movi(unsigned d, int32_t i) { put(BPFI_ALU64 | BPFI_MOV | BPFI_K, d, 0, 0, i); }
	void addi(unsigned d, int32_t i) { put(BPFI_ALU64 | BPFI_ADD | BPFI_K, d, 0, 0, i); }
	void call(int32_t id) { put(BPFI_JMP_CALL, 0, 0, 0, id); }
	void imm64(unsigned d, unsigned src, int32_t lo, int32_t hi)
	{
		put(BPFI_LD_IMM64, d, src, 0, lo);
		put(0, 0, 0, 0, hi);
	}
	void jump_later(unsigned code, unsigned dst, unsigned src, int32_t imm, bool to_end);
	unsigned saved() { return R7 + (unsigned)below(3); }
	unsigned any() { static const unsigned r[] = {R0, R7, R8, R9, R7, R8, R9}; return r[below(7)]; }
	int slot() { return -8 * (1 + (int)below(8)); }

	void set_up();
	void alu();
	void move();
	void ctx_load();
	void branch();
	void lookup();
	void value_access();
	void spill_fill();
	void stack_variable();
	void helper();
	void record();
	void loop();
	void iterate();
	void cast();
	// gen_dynptr.cpp
	void dynptr();
	void dynptr_make(int at, bool record);
	void dynptr_use(int at, int clone_at, int *cloned, unsigned slice);
	void dynptr_end(int at, bool record);
	void dynptr_access(int at, unsigned slice);
	void small(unsigned reg, unsigned mask);
	void kfunc(int which) { put(BPFI_JMP_CALL, 0, BPFI_CALL_KFUNC, 0, which); }
	void place(unsigned reg, int at) { mov(reg, R10), addi(reg, at); }
	// gen_lock.cpp
	void locked();
	void lock_call(unsigned value, bool take);
	void under_lock(unsigned value, int spilled);
	void inner_lookup();
	void packet();
	void direct_value();
	void atomic();
	void subcall();
	void tail();
	void one_block();
	// gen_callback.cpp
	void loop_by_callback();
	void each_element();
	void call_back(int32_t helper, int map);
	void callback_body(const callback &c);
	void commutative_body();
	void begin_blocks(unsigned n);
	void one_of_function();
	void subprogram();
	void mutate();
};
