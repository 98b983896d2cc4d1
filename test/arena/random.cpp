// SPDX-License-Identifier: MIT
// Random instructions on numbers and on addresses in an arena: casts, arithmetic, loads, stores, atomics, at what is
// there and at what is not.  Registers and pages are the kernel's.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "arenas.h"
#include "hooks.h"
#include "maps.h"
#include "rt_maps.h"

namespace {

enum { PAGES = 4, FILLED = 2 * ARENA_PAGE, VALUES = 9, MEM_BYTES = VALUES * 8 };
const uint8_t usable[VALUES] = {0, 1, 2, 3, 4, 5, 6, 7, 8};	// r9: the map value

class Generator {
public:
	Generator(uint64_t seed, uint64_t start) : rng(seed), start(start) {}

	struct unit *unit()
	{
		struct arena *a = arena_new();
		auto *u = (struct unit *)arena_alloc(a, sizeof(struct unit));
		auto *m = (struct unit_map *)arena_array(a, 2, sizeof(struct unit_map));
		auto *p = (struct unit_prog *)arena_alloc(a, sizeof(struct unit_prog));
		std::string bytes(FILLED, '\0'), mem(MEM_BYTES, '\0');
		std::mt19937_64 fill(7);
		for (auto &c : bytes)
			c = (char)fill();
		for (auto &c : mem)
			c = (char)rng();
		m[0].name = "arena", m[0].type = MAP_TYPE_arena, m[0].max_entries = PAGES, m[0].flags = MAP_F_MMAPABLE;
		m[0].map_extra = start, m[0].inner = m[1].inner = -1;
		m[0].init = {(const uint8_t *)arena_dup(a, bytes.data(), bytes.size()), bytes.size()};
		m[1].name = "mem", m[1].type = MAP_TYPE_array, m[1].key_size = 4, m[1].value_size = MEM_BYTES, m[1].max_entries = 1;
		m[1].init = {(const uint8_t *)arena_dup(a, mem.data(), mem.size()), mem.size()};
		auto code = program();
		p->name = "prog", p->sec = "uprobe.s", p->spec = "", p->kind = HOOK_uprobe, p->type = PROG_KPROBE;
		p->flags = SEC_SLEEPABLE, p->n_insn = (uint32_t)code.size();
		p->insn = (struct bpfi *)arena_dup(a, code.data(), code.size() * sizeof(code[0]));
		unit_find_funcs(a, p);
		u->arena = a, u->path = u->name = "random", u->license = "GPL", u->map = m, u->n_map = 2, u->prog = p, u->n_prog = 1;
		return u;
	}

private:
	std::mt19937_64 rng;
	uint64_t start;
	std::vector<bpfi> out;
	bool address[VALUES];	// what each register holds, as the verifier knows it
	bool spilled, spilled_address;

	unsigned pick(unsigned n) { return (unsigned)(rng() % n); }
	uint8_t reg() { return usable[pick(VALUES)]; }
	uint8_t reg_of(bool addr)
	{
		for (int i = 0; i < 30; i++) {
			uint8_t r = reg();
			if (address[r] == addr)
				return r;
		}
		uint8_t r = reg();
		if (addr)
			make_address(r);
		else
			add(BPFI_ALU64 | BPFI_MOV, r, 0, 0, (int32_t)rng()), address[r] = false;
		return r;
	}
	void add(int code, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
	{
		bpfi in = {};
		in.code = (uint8_t)code, in.dst = dst & 15, in.src = src & 15, in.off = off, in.imm = imm;
		out.push_back(in);
	}
	void ld64(uint8_t dst, uint8_t kind, int32_t imm, int32_t upper)
	{
		add(BPFI_LD_IMM64, dst, kind, 0, imm);
		add(0, 0, 0, 0, upper);
	}
	// Mostly of a byte in the arena; near its ends, and those of its pages, too.
	void make_address(uint8_t r)
	{
		uint32_t off = pick(3) ? pick(FILLED) : pick(PAGES + 1) * ARENA_PAGE;
		off = off > PAGES * ARENA_PAGE ? PAGES * ARENA_PAGE : off;
		ld64(r, BPFI_LD_MAP_VALUE, 0, (int32_t)off);
		if (pick(4) == 0)
			add(BPFI_ALU64 | BPFI_ADD, r, 0, 0, (int32_t)pick(64) - 32);
		add(BPFI_ALU64 | BPFI_MOV | BPFI_X, r, r, BPFI_CAST, BPFI_CAST_KERN);
		address[r] = true;
	}
	void alu()
	{
		static const int ops[] = {BPFI_ADD, BPFI_SUB, BPFI_MUL, BPFI_DIV, BPFI_OR, BPFI_AND, BPFI_LSH, BPFI_RSH, BPFI_MOD,
					  BPFI_XOR, BPFI_ARSH};
		int op = pick(2) ? pick(2) ? BPFI_ADD : BPFI_SUB : ops[pick(11)];
		bool wide = pick(3), x = pick(2);
		uint8_t d = reg(), s = reg();
		int32_t imm = pick(2) ? (int32_t)pick(100) : (int32_t)rng();
		int16_t off = op == BPFI_DIV || op == BPFI_MOD ? (int16_t)pick(2) : 0;
		if (!wide && x && address[s] && !address[d] && pick(2))
			wide = true;
		if ((op == BPFI_DIV || op == BPFI_MOD) && !imm)
			imm = 3;
		if (op == BPFI_LSH || op == BPFI_RSH || op == BPFI_ARSH)
			imm = (int32_t)pick(wide ? 64 : 32);
		add((wide ? BPFI_ALU64 : BPFI_ALU) | op | (x ? BPFI_X : 0), d, x ? s : 0, off, x ? 0 : imm);
		address[d] |= x && address[s];
	}
	void unary()
	{
		uint8_t d = reg(), s = reg();
		switch (pick(6)) {
		case 0:
			add(BPFI_ALU64 | BPFI_NEG, d, 0, 0, 0);
			address[d] = false;
			break;
		case 1:
			add(BPFI_ALU | BPFI_END | (pick(2) ? BPFI_X : 0), d, 0, 0, 16 << pick(3));
			address[d] = false;
			break;
		case 2:
			add(BPFI_ALU | BPFI_MOV | BPFI_X, d, s, pick(2) ? 0 : 8, 0);
			address[d] = false;
			break;
		case 3:
			add(BPFI_ALU64 | BPFI_MOV | BPFI_X, d, s, pick(2) ? 0 : 16, 0);
			address[d] = out.back().off ? false : address[s];
			break;
		default:
			add(BPFI_ALU64 | BPFI_MOV | BPFI_X, d, s, BPFI_CAST, pick(2) ? BPFI_CAST_KERN : BPFI_CAST_USER);
			address[d] = out.back().imm == BPFI_CAST_KERN;
		}
	}
	int16_t distance()
	{
		return (int16_t)(pick(4) ? (int)pick(64) - 32 : (int)pick(16384) - 8192);
	}
	void access()
	{
		static const int size[] = {BPFI_B, BPFI_H, BPFI_W, BPFI_DW};
		unsigned s = pick(4);
		uint8_t at = reg_of(true), r = reg();
		switch (pick(5)) {
		case 0:
			add(BPFI_LDX | BPFI_MEMSX | size[s % 3], r, at, distance(), 0);
			address[r] = false;
			break;
		case 1:
			add(BPFI_ST | BPFI_MEM | size[s], at, 0, distance(), (int32_t)rng());
			break;
		case 2:
			add(BPFI_STX | BPFI_MEM | size[s], at, r, distance(), 0);
			break;
		default:
			add(BPFI_LDX | BPFI_MEM | size[s], r, at, distance(), 0);
			address[r] = false;
		}
	}
	// Aligned or not.  The kernel has no and, or, xor there that fetch.
	void atomic()
	{
		static const int32_t ops[] = {BPFI_ATOMIC_ADD, BPFI_ATOMIC_OR, BPFI_ATOMIC_AND, BPFI_ATOMIC_XOR,
					      BPFI_ATOMIC_ADD | BPFI_FETCH, BPFI_ATOMIC_XCHG, BPFI_ATOMIC_CMPXCHG,
					      BPFI_ATOMIC_LOAD, BPFI_ATOMIC_STORE};
		static const int size[] = {BPFI_B, BPFI_H, BPFI_W, BPFI_DW};
		int32_t op = ops[pick(9)];
		bool load = op == BPFI_ATOMIC_LOAD, any = load || op == BPFI_ATOMIC_STORE;
		uint8_t at = reg_of(true), r = reg_of(false);
		if (r == at || (op == BPFI_ATOMIC_CMPXCHG && (at == 0 || r == 0)))
			return;
		if (op == BPFI_ATOMIC_CMPXCHG && address[0])
			return;
		add(BPFI_STX | BPFI_ATOMIC | size[any ? pick(4) : 2 + pick(2)], load ? r : at, load ? at : r, distance(), op);
		if (op == BPFI_ATOMIC_CMPXCHG)
			address[0] = false;
	}
	void stack()
	{
		if (!spilled || pick(2)) {
			uint8_t r = reg();
			add(BPFI_STX | BPFI_MEM | BPFI_DW, BPFI_R10, r, -8, 0);
			spilled = true, spilled_address = address[r];
		} else {
			uint8_t r = reg();
			add(BPFI_LDX | BPFI_MEM | BPFI_DW, r, BPFI_R10, -8, 0);
			address[r] = spilled_address;
		}
	}
	std::vector<bpfi> program()
	{
		out.clear();
		spilled = false;
		ld64(9, BPFI_LD_MAP_VALUE, 1, 0);
		for (uint8_t r : usable) {
			add(BPFI_LDX | BPFI_MEM | BPFI_DW, r, 9, (int16_t)(8 * r), 0);
			address[r] = false;
		}
		for (int i = 0; i < 3; i++)
			make_address(reg());
		for (unsigned i = 0, n = 10 + pick(60); i < n; i++)
			switch (pick(10)) {
			case 0: case 1: case 2: alu(); break;
			case 3: unary(); break;
			case 4: case 5: case 6: access(); break;
			case 7: atomic(); break;
			case 8: stack(); break;
			default: make_address(reg());
			}
		for (uint8_t r : usable)
			add(BPFI_STX | BPFI_MEM | BPFI_DW, 9, r, (int16_t)(8 * r), 0);
		add(BPFI_ALU64 | BPFI_MOV, 0, 0, 0, 0);
		add(BPFI_JMP_EXIT, 0, 0, 0, 0);
		return out;
	}
};

TEST(ArenaRandom, InstructionsAgreeWithTheKernel)
{
	if (!arena_kernel_usable())
		GTEST_SKIP() << "this process may not have arenas in the kernel";
	const uint64_t starts[] = {0x100000000000, 0x2fffffffc000, 0x200012345000};
	const char *more = getenv("BPFTIME_RANDOM_PROGRAMS");
	unsigned accepted = 0, n = more ? (unsigned)atoi(more) : 120;
	for (unsigned seed = 1; seed <= n; seed++) {
		std::string log;
		uint64_t r0, start = starts[seed % 3];
		uint32_t zero = 0;
		ArenaKernel kernel(Generator(seed, start).unit());
		ASSERT_TRUE(kernel.ok) << kernel.why;
		if (!kernel.run("prog", &r0, &log)) {
			printf("seed %u refused: %s\n", seed, log.substr(log.size() > 200 ? log.size() - 200 : 0).c_str());
			continue;
		}
		accepted++;
		ArenaHere here(Generator(seed, start).unit(), seed % 4, {});
		ASSERT_TRUE(here.ok && here.run("prog", &r0)) << "seed " << seed;
		uint64_t want[VALUES], got[VALUES];
		ASSERT_EQ(kernel.load("mem", 0, want), 0);
		ASSERT_EQ(rt_map_lookup(here.map("mem"), here.base("mem"), &zero, got, 0), 0);
		for (int r = 0; r < VALUES; r++)
			EXPECT_EQ(got[r], want[r]) << "r" << r << ", seed " << seed << std::hex << " start " << start;
		EXPECT_TRUE(here.pages() == kernel.pages()) << "seed " << seed;
		if (HasFailure())
			break;
	}
	EXPECT_GT(accepted, n * 8 / 10);
}

}
