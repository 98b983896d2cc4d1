// SPDX-License-Identifier: MIT
// Random programs of every operation give the same registers and memory here and in the
// kernel: ALU in both widths, all jumps, loads, stores, atomics, acquire and release.
#include <gtest/gtest.h>

#include <bpf/bpf.h>
#include <random>
#include <unistd.h>

#include "vm_unit.h"

namespace {

/* r9 points at the memory: 16 words in, then r0..r8 as they are at the end.  r0..r8 begin
 * with the first nine words. */
enum { N_VALUES = 9, RESULT_OFF = 128, MEM_BYTES = 256, STACK_WORDS = 4 };

class Generator {
public:
	explicit Generator(uint64_t seed) : rng(seed) {}

	/* Two slots that set r1 to the memory are left to the caller. */
	std::vector<bpfi> program()
	{
		out.clear();
		call.clear();
		next_call = 0;
		add(BPFI_JMP_JA, 0, 0, 0, 0);
		add(BPFI_JMP_JA, 0, 0, 0, 0);
		add(BPFI_ALU64 | BPFI_MOV | BPFI_X, 9, 1, 0, 0);
		for (int i = 1; i <= STACK_WORDS; i++) {
			add(BPFI_LDX | BPFI_MEM | BPFI_DW, 0, 9, (int16_t)(64 + 8 * i), 0);
			add(BPFI_STX | BPFI_MEM | BPFI_DW, 10, 0, (int16_t)(-8 * i), 0);
		}
		for (uint8_t r = 0; r < N_VALUES; r++)
			add(BPFI_LDX | BPFI_MEM | BPFI_DW, r, 9, (int16_t)(8 * r), 0);
		size_t n = 8 + pick(40);
		for (size_t i = 0; i < n; i++)
			one(n - i);
		fix_jumps();
		for (uint8_t r = 0; r < N_VALUES; r++)
			add(BPFI_STX | BPFI_MEM | BPFI_DW, 9, r, (int16_t)(RESULT_OFF + 8 * r), 0);
		add(BPFI_ALU64 | BPFI_MOV, 0, 0, 0, 0);
		add(BPFI_JMP_EXIT, 0, 0, 0, 0);
		for (size_t c = 0; c < call.size(); c++)
			subprogram();
		return out;
	}
	uint64_t value()
	{
		static const uint64_t corner[] = { 0, 1, 2, 63, 64, ~0ull, 1ull << 63, 1ull << 31,
						   0x7fffffff, 0xffffffff, 0x100000000, ~0ull >> 1 };
		return pick(3) ? rng() : corner[pick(12)];
	}

private:
	std::mt19937_64 rng;
	std::vector<bpfi> out;
	std::vector<size_t> jump;	/* forward, targets not fixed yet */
	std::vector<size_t> call;	/* of main, one subprogram each */
	size_t next_call = 0;

	unsigned pick(unsigned n) { return (unsigned)(rng() % n); }
	uint8_t reg() { return (uint8_t)pick(N_VALUES); }
	void add(int code, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
	{
		bpfi in = {};
		in.code = (uint8_t)code;
		in.dst = dst & 15;
		in.src = src & 15;
		in.off = off;
		in.imm = imm;
		out.push_back(in);
	}
	int32_t imm() { return (int32_t)value(); }

	void alu()
	{
		static const int ops[] = {
#define ALU(name_, code_, text_) code_,
#include "isa.def"
		};
		int op = ops[pick(sizeof(ops) / sizeof(ops[0]))];
		bool wide = pick(2), x = pick(2);
		int cls = wide ? BPFI_ALU64 : BPFI_ALU;
		int16_t off = 0;
		int32_t k = imm();
		if (op == BPFI_END) {
			static const int width[] = { 16, 32, 64 };
			add(cls | op | (x && !wide ? BPFI_X : 0), reg(), 0, 0, width[pick(3)]);
			return;
		}
		if (op == BPFI_NEG) {
			add(cls | op, reg(), 0, 0, 0);
			return;
		}
		if (op == BPFI_DIV || op == BPFI_MOD) {
			off = (int16_t)pick(2);
			k = k ? k : 7;
		}
		if (op == BPFI_LSH || op == BPFI_RSH || op == BPFI_ARSH)
			k = (int32_t)pick(wide ? 64 : 32);
		if (op == BPFI_MOV && x && pick(2))
			off = (int16_t)(8 << pick(wide ? 3 : 2));
		add(cls | op | (x ? BPFI_X : 0), reg(), x ? reg() : 0, off, x ? 0 : k);
	}
	/* Base register and offset of `bytes` naturally aligned bytes. */
	void place(unsigned bytes, uint8_t *base, int16_t *off)
	{
		unsigned within = pick(8 / bytes) * bytes;
		*base = pick(2) ? 9 : 10;
		*off = (int16_t)(*base == 10 ? -8 * (int)(1 + pick(STACK_WORDS)) + (int)within
					     : (int)(8 * pick(16) + within));
	}
	void memory()
	{
		static const int size[] = { BPFI_B, BPFI_H, BPFI_W, BPFI_DW };
		unsigned s = pick(4);
		uint8_t base;
		int16_t off;
		place(1u << s, &base, &off);
		switch (pick(4)) {
		case 0: add(BPFI_LDX | BPFI_MEM | size[s], reg(), base, off, 0); break;
		case 1: add(BPFI_LDX | BPFI_MEMSX | size[s % 3], reg(), base, off, 0); break;
		case 2: add(BPFI_ST | BPFI_MEM | size[s], base, 0, off, imm()); break;
		default: add(BPFI_STX | BPFI_MEM | size[s], base, reg(), off, 0);
		}
	}
	void atomic()
	{
		static const int32_t ops[] = {
			BPFI_ATOMIC_ADD, BPFI_ATOMIC_OR, BPFI_ATOMIC_AND, BPFI_ATOMIC_XOR,
			BPFI_ATOMIC_ADD | BPFI_FETCH, BPFI_ATOMIC_OR | BPFI_FETCH,
			BPFI_ATOMIC_AND | BPFI_FETCH, BPFI_ATOMIC_XOR | BPFI_FETCH,
			BPFI_ATOMIC_XCHG, BPFI_ATOMIC_CMPXCHG, BPFI_ATOMIC_LOAD, BPFI_ATOMIC_STORE,
		};
		static const int size[] = { BPFI_B, BPFI_H, BPFI_W, BPFI_DW };
		int32_t op = ops[pick(12)];
		bool any = op == BPFI_ATOMIC_LOAD || op == BPFI_ATOMIC_STORE;
		unsigned s = any ? pick(4) : 2 + pick(2);
		uint8_t base;
		int16_t off;
		place(1u << s, &base, &off);
		bool load = op == BPFI_ATOMIC_LOAD;
		add(BPFI_STX | BPFI_ATOMIC | size[s], load ? reg() : base, load ? base : reg(), off, op);
	}
	void branch()
	{
		static const int ops[] = {
#define JMP(name_, code_, text_) code_,
#include "isa.def"
		};
		bool x = pick(2);
		if (!pick(8)) {		/* what an unconditional jump skips must be reachable */
			add(BPFI_JMP | BPFI_JEQ | BPFI_X, reg(), reg(), 1, 0);
			jump.push_back(out.size());
			add(pick(2) ? BPFI_JMP_JA : BPFI_JMP_GOTOL, 0, 0, 0, 0);
			return;
		}
		jump.push_back(out.size());
		add((pick(2) ? BPFI_JMP : BPFI_JMP32) | ops[pick(11)] | (x ? BPFI_X : 0), reg(),
		    x ? reg() : 0, 0, x ? 0 : imm());
	}
	/* A call uses up r1 to r5. */
	void local_call()
	{
		call.push_back(out.size());
		add(BPFI_JMP_CALL, 0, BPFI_CALL_LOCAL, 0, 0);
		for (uint8_t r = 1; r <= 5; r++)
			add(BPFI_ALU64 | BPFI_MOV | BPFI_X, r, (uint8_t)(5 + pick(4)), 0, 0),
			out.back().src = out.back().src == 5 ? 0 : out.back().src;
	}
	/* Has r1 to r5 and a stack of its own. */
	void subprogram()
	{
		size_t at = call[next_call++];
		out[at].imm = (int32_t)(out.size() - at - 1);
		for (uint8_t r : { 0, 6, 7, 8 })
			add(BPFI_ALU64 | BPFI_MOV | BPFI_X, r, (uint8_t)(1 + pick(5)), 0, 0);
		add(BPFI_STX | BPFI_MEM | BPFI_DW, 10, reg(), -8, 0);
		for (unsigned i = 0, n = 1 + pick(10); i < n; i++)
			alu();
		add(BPFI_LDX | BPFI_MEM | BPFI_DW, reg(), 10, -8, 0);
		add(BPFI_ALU64 | BPFI_XOR | BPFI_X, 0, reg(), 0, 0);
		add(BPFI_JMP_EXIT, 0, 0, 0, 0);
	}
	void one(size_t left)
	{
		unsigned what = pick(20);
		if (what == 0 && call.size() < 4) {
			local_call();
			return;
		}
		what /= 2;
		if (what < 5)
			alu();
		else if (what < 7)
			memory();
		else if (what < 8)
			atomic();
		else if (left > 2)
			branch();
	}
	/* Each jump goes one to six instructions forward. */
	void fix_jumps()
	{
		for (size_t j : jump) {
			size_t room = out.size() - j - 1;
			int by = room ? (int)(1 + pick(6)) : 0;
			if ((size_t)by > room)
				by = (int)room;
			if (out[j].code == BPFI_JMP_GOTOL)
				out[j].imm = by;
			else
				out[j].off = (int16_t)by;
		}
		jump.clear();
	}
};

class KernelOracle {
public:
	int map = -1;
	KernelOracle() { map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "mem", 4, MEM_BYTES, 1, nullptr); }
	~KernelOracle() { close(map); }

	/* Runs it over mem in place.  False, with the log, when the kernel refuses it. */
	bool run(std::vector<bpfi> p, uint8_t *mem, std::string *log)
	{
		uint32_t zero = 0;
		static char buf[1 << 16];
		LIBBPF_OPTS(bpf_prog_load_opts, lo, .log_level = 1, .log_size = sizeof(buf),
			    .log_buf = buf);
		p[0].code = BPFI_LD_IMM64;
		p[0].dst = 1;
		p[0].src = BPF_PSEUDO_MAP_VALUE;
		p[0].imm = map;
		p[1] = bpfi{};
		int fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "random", "GPL",
				       (const struct bpf_insn *)p.data(), p.size(), &lo);
		*log = buf;
		if (fd < 0)
			return false;
		char packet[64] = {};
		LIBBPF_OPTS(bpf_test_run_opts, to, .data_in = packet, .data_size_in = sizeof(packet));
		bool ok = !bpf_map_update_elem(map, &zero, mem, 0) && !bpf_prog_test_run_opts(fd, &to) &&
			  !bpf_map_lookup_elem(map, &zero, mem);
		close(fd);
		return ok;
	}
};

std::string hex(const std::vector<bpfi> &code)
{
	std::string s;
	char b[3];
	for (size_t i = 0; i < code.size() * sizeof(bpfi); i++) {
		snprintf(b, sizeof(b), "%02x", ((const uint8_t *)code.data())[i]);
		s += b;
	}
	return s;
}

}

TEST(KernelDifference, RandomProgramsAgree)
{
	KernelOracle k;
	if (k.map < 0)
		GTEST_SKIP() << "the kernel lets us load no programs: " << strerror(errno);
	unsigned accepted = 0, verified = 0;
	const char *more = getenv("BPFTIME_RANDOM_PROGRAMS");
	unsigned n = more ? (unsigned)atoi(more) : 100;
	for (unsigned seed = 1; seed <= n; seed++) {
		Generator g(seed);
		std::vector<bpfi> code = g.program();
		alignas(8) uint8_t in[MEM_BYTES] = {}, want[MEM_BYTES], got[MEM_BYTES];
		for (int i = 0; i < 16; i++) {
			uint64_t v = g.value();
			memcpy(in + 8 * i, &v, 8);
		}
		std::string log;
		memcpy(want, in, sizeof(in));
		if (!k.run(code, want, &log)) {
			printf("seed %u refused: %s\n", seed, log.c_str());
			continue;
		}
		accepted++;
		const vm_how ways[] = {
			{ true, false, 3 }, { false, true, 3 }, { false, seed % 2 == 0, seed % 3 },
		};
		for (vm_how how : ways) {
			struct diags dg = {};
			uint64_t r0;
			dg.out = stderr;
			memcpy(got, in, sizeof(in));
			ASSERT_EQ(vm_run(code, got, MEM_BYTES, how, &r0, &dg), 0) << seed << hex(code);
			verified += how.verified;
			EXPECT_EQ(memcmp(want, got, sizeof(want)), 0)
				<< (how.jit ? "jit" : "aot") << (how.verified ? " verified" : "")
				<< " -O" << how.level << ", seed " << seed << " " << hex(code);
		}
	}
	EXPECT_GT(accepted, n * 8 / 10);
	EXPECT_GT(verified, n * 8 / 10);
}
