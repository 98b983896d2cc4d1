// SPDX-License-Identifier: MIT
// Kernel functions: all that this kernel has are known by name, and those on strings, bits and addresses answer
// as the kernel's do in the same programs.
#include <gtest/gtest.h>

#include <bpf/btf.h>
#include <cstring>
#include <unistd.h>

#include "coder.h"
#include "kernel.h"
#include "oracle.h"
#include "run.h"

TEST(Kfuncs, AllOfTheKernelAreKnown)
{
	struct btf *b = btf__load_vmlinux_btf();
	if (!b)
		GTEST_SKIP() << "no BTF of the kernel";
	unsigned n = 0;
	for (uint32_t id = 1; id < btf__type_cnt(b); id++) {
		const struct btf_type *t = btf__type_by_id(b, id);
		if (!btf_is_decl_tag(t) || strcmp(btf__name_by_offset(b, t->name_off), "bpf_kfunc"))
			continue;
		const char *name = btf__name_by_offset(b, btf__type_by_id(b, t->type)->name_off);
		EXPECT_NE(kfunc_proto(name), nullptr) << name;
		n++;
	}
	btf__free(b);
	if (!n)
		GTEST_SKIP() << "the kernel's BTF does not say which functions they are";
}

namespace {

// Two strings.
std::string contents(std::mt19937_64 &rnd)
{
	static const char alphabet[] = {'a', 'b', 'A', 'B', 'a', 'b', (char)0xc1, (char)0xe1, 'z'};
	std::string s(64, '\0');
	for (size_t at : {(size_t)0, (size_t)32})
		for (size_t i = 0, n = rnd() % 3 ? rnd() % 5 : rnd() % 31; i < n; i++)
			s[at + i] = alphabet[rnd() % (rnd() % 4 ? 2 : sizeof(alphabet))];
	return s;
}

// r6 = r6 * 31 + r0
void fold(coder &c)
{
	c.put(BPFI_ALU64 | BPFI_MUL | BPFI_K, 6, 0, 0, 31);
	c.put(BPFI_ALU64 | BPFI_ADD | BPFI_X, 6, 0, 0, 0);
}

// All 64 bits of r6 are the program's result.
void keep(coder &c)
{
	c.value(1, 56);
	c.put(BPFI_STX | BPFI_MEM | BPFI_DW, 1, 6, 0, 0);
	c.put(BPFI_ALU64 | BPFI_MOV | BPFI_X, 0, 6, 0, 0);
	c.put(BPFI_JMP_EXIT, 0, 0, 0, 0);
}

// What each of the functions says, folded.
gen_prog strings(std::mt19937_64 &rnd)
{
	static const struct { int f; unsigned strings; int numbers; bool chr; } calls[] = {
		{GEN_STRCASECMP, 2, 0, false}, {GEN_STRCHR, 1, 1, true}, {GEN_STRCHRNUL, 1, 1, true}, {GEN_STRCMP, 2, 0, false},
		{GEN_STRCSPN, 2, 0, false}, {GEN_STRLEN, 1, 0, false}, {GEN_STRNCHR, 1, 2, true}, {GEN_STRNLEN, 1, 1, false},
		{GEN_STRNSTR, 2, 1, false}, {GEN_STRRCHR, 1, 1, true}, {GEN_STRSPN, 2, 0, false}, {GEN_STRSTR, 2, 0, false},
	};
	gen_prog p = {PROG_XDP, {}, rnd()};
	std::string s = contents(rnd);
	coder c;
	for (unsigned i = 0; i < 64; i += 8) {
		uint64_t word;
		memcpy(&word, &s[i], 8);
		c.value(1, i), c.imm64(2, word);
		c.put(BPFI_STX | BPFI_MEM | BPFI_DW, 1, 2, 0, 0);
	}
	c.imm64(6, 0);
	for (auto &call : calls) {
		for (unsigned r = 1; r <= call.strings; r++) {
			if (rnd() % 40)
				c.value(r, (r - 1) * 32 + rnd() % 3);
			else
				c.imm64(r, rnd() % 2 ? 0 : 8);	// -ERANGE
		}
		for (int i = 0; i < call.numbers; i++) {
			bool is_char = call.chr && i == call.numbers - 1;
			uint64_t ch = rnd() % 6 ? (uint64_t)s[rnd() % 32] : rnd();
			c.imm64(call.strings + 1 + (unsigned)i, is_char ? ch : rnd() % 8 ? rnd() % 36 : rnd());
		}
		c.kfunc(call.f);
		fold(c);
	}
	keep(c);
	p.insn = c.insn;
	return p;
}

// The bits of some words, which the program changes while it looks at them; r6 is what was seen.
gen_prog bits(std::mt19937_64 &rnd)
{
	gen_prog p = {PROG_XDP, {}, rnd()};
	coder c;
	for (unsigned i = 0; i < 64; i += 8) {
		uint64_t word = rnd() % 3 ? rnd() & rnd() & rnd() : rnd() % 2 ? 0 : rnd() % 2 ? 1ull << 63 : ~0ull;
		c.value(1, i), c.imm64(2, word);
		c.put(BPFI_STX | BPFI_MEM | BPFI_DW, 1, 2, 0, 0);
	}
	c.imm64(6, 0);
	for (int i = 0; i < 3; i++) {
		int at = rnd() % 2 ? -16 : -40;
		uint64_t words = rnd() % 6 ? 1 + rnd() % 7 : rnd() % 2 ? (uint64_t)(rnd() % 2) << 32 : 511 + rnd() % 2;
		static const uint64_t nowhere[] = {0, 8, 0xffff800000000000};
		bool readable = words < 8 && rnd() % 5;
		if (readable)
			c.value(2, rnd() % (64 - 8 * words + 1));
		else
			c.imm64(2, nowhere[rnd() % 3]);
		c.place(1, at), c.imm64(3, words);
		c.kfunc(GEN_BITS_NEW);
		fold(c);
		size_t head = c.insn.size();
		c.place(1, at), c.kfunc(GEN_BITS_NEXT);
		size_t check = c.insn.size();
		c.put(BPFI_JMP | BPFI_JEQ | BPFI_K, 0, 0, 0, 0);
		c.put(BPFI_LDX | BPFI_MEM | BPFI_W, 0, 0, 0, 0);
		fold(c);
		c.value(1, 0), c.imm64(2, ~0ull);
		for (int w = 0; w < 7; w++)
			c.put(BPFI_STX | BPFI_ATOMIC | BPFI_DW, 1, 2, (int)(8 * w), BPFI_ATOMIC_XOR);
		if (rnd() % 4 == 0)	// not to the end
			c.put(BPFI_JMP | BPFI_JSGT | BPFI_K, 6, 0, 1, (int32_t)rnd());
		c.put(BPFI_JMP_JA, 0, 0, (int)head - (int)c.insn.size() - 1, 0);
		c.insn[check].off = (int16_t)(c.insn.size() - check - 1);
		c.place(1, at), c.kfunc(GEN_BITS_NEXT);
		c.put(BPFI_JMP | BPFI_JNE | BPFI_K, 0, 0, 2, 0);
		fold(c);
		c.place(1, at), c.kfunc(GEN_BITS_DESTROY);
	}
	keep(c);
	p.insn = c.insn;
	return p;
}

// Loads of all sizes, behind addresses of memory that is there and of memory that is not.
gen_prog casts(std::mt19937_64 &rnd)
{
	gen_prog p = {PROG_XDP, {}, rnd()};
	coder c;
	for (unsigned i = 0; i < 64; i += 8) {
		c.value(1, i), c.imm64(2, rnd());
		c.put(BPFI_STX | BPFI_MEM | BPFI_DW, 1, 2, 0, 0);
		c.put(BPFI_STX | BPFI_MEM | BPFI_DW, 10, 2, -64 + (int)i, 0);
	}
	c.imm64(6, 0);
	for (int i = 0; i < 6; i++) {
		static const uint64_t nowhere[] = {0, 8, 0xffff800000000000, 0xfffffffffffffffc};
		static const unsigned sizes[] = {BPFI_B, BPFI_H, BPFI_W, BPFI_DW};
		unsigned size = sizes[rnd() % 4], mode = size != BPFI_DW && rnd() % 3 == 0 ? BPFI_MEMSX : BPFI_MEM;
		int at = (int)(rnd() % 25), where = (int)(rnd() % 4);
		if (where == 0)
			c.imm64(1, nowhere[rnd() % 4]);
		else if (where == 1)
			c.place(1, -64 + at);
		else
			c.value(1, (unsigned)at);
		c.imm64(2, 0);
		c.kfunc(GEN_RDONLY_CAST);
		if (where && rnd() % 3 == 0) {	// a number that is not known before it runs
			c.value(1, 40);
			c.put(BPFI_LDX | BPFI_MEM | BPFI_B, 1, 1, 0, 0);
			c.put(BPFI_ALU64 | BPFI_AND | BPFI_K, 1, 0, 0, 15);
			c.put(BPFI_ALU64 | BPFI_ADD | BPFI_X, 0, 1, 0, 0);
		}
		if (where && rnd() % 3 == 0)	// one load for both
			c.put(BPFI_JMP | BPFI_JSGT | BPFI_K, 6, 0, 2, (int32_t)rnd()), c.value(0, 3);
		if (rnd() % 4 == 0) {
			c.put(BPFI_JMP | BPFI_JNE | BPFI_K, 0, 0, 1, 0);
			c.put(BPFI_ALU64 | BPFI_ADD | BPFI_K, 6, 0, 0, 77);
		}
		c.put(BPFI_LDX | mode | size, 0, 0, where ? (int)(rnd() % 16) : 0, 0);
		fold(c);
	}
	keep(c);
	p.insn = c.insn;
	return p;
}

}

static void same_as_the_kernels(gen_prog (*make)(std::mt19937_64 &), int n)
{
	kernel_oracle k;
	if (!k.usable())
		GTEST_SKIP() << "this process may not load BPF programs into the kernel";
	run_batch batch(k);
	std::mt19937_64 rnd(7);
	std::string text;
	for (int i = 0; i < n; i++) {
		gen_prog p = make(rnd);
		std::string log;
		int fd = k.load(p, &log);
		ASSERT_GE(fd, 0) << log;
		close(fd);
		ASSERT_TRUE(verify(p).accepted) << verify(p).text;
		batch.add(p);
		if (batch.size() == 50)
			EXPECT_TRUE(batch.compare(&text)) << text;
	}
	EXPECT_EQ(batch.compared, (uint64_t)n);
}

TEST(Kfuncs, StringsAreTheKernels)
{
	same_as_the_kernels(strings, 200);
}

TEST(Kfuncs, BitsAreTheKernels)
{
	same_as_the_kernels(bits, 100);
}

TEST(Kfuncs, LoadsFromAnywhereAreTheKernels)
{
	same_as_the_kernels(casts, 150);
}

// Any part of any structure that the kernel has, and what is behind a pointer that is found there.
// BPFTIME_TORTURE=1: 60,000 loads.
TEST(Kfuncs, MembersOfStructuresAreTheKernels)
{
	static const int widths[] = {BPFI_B, BPFI_H, BPFI_W, BPFI_DW}, bytes[] = {1, 2, 4, 8};
	kernel_oracle k;
	if (!k.usable())
		GTEST_SKIP() << "this process may not load BPF programs into the kernel";
	struct btf *b = btf__load_vmlinux_btf();
	if (!b)
		GTEST_SKIP() << "no BTF of the kernel";
	std::vector<uint32_t> structs;
	for (uint32_t id = 1; id < btf__type_cnt(b); id++)
		if (btf_is_composite(btf__type_by_id(b, id)))
			structs.push_back(id);
	std::mt19937_64 rnd(11);
	unsigned accepted = 0, followed = 0;
	for (int i = 0, n = getenv("BPFTIME_TORTURE") ? 60000 : 4000; i < n; i++) {
		uint32_t id = rnd() % 50 ? structs[rnd() % structs.size()] : (uint32_t)(rnd() % (btf__type_cnt(b) + 9));
		const struct btf_type *t = btf__type_by_id(b, id);
		uint32_t size = t && btf_is_composite(t) ? std::min(t->size, 32000u) : 16;
		int w = (int)(rnd() % 4), w2 = (int)(rnd() % 4), align = rnd() % 8 ? bytes[w] : 1;
		gen_prog p = {PROG_XDP, {}, rnd()};
		coder c;
		c.imm64(1, 8), c.imm64(2, id);
		c.kfunc(GEN_RDONLY_CAST);
		c.put(BPFI_LDX | BPFI_MEM | widths[w], 0, 0, (int)(rnd() % (size + 9)) / align * align, 0);
		bool twice = w == 3 && rnd() % 2;
		if (twice)
			c.put(BPFI_LDX | BPFI_MEM | widths[w2], 0, 0, (int)(rnd() % 64) / bytes[w2] * bytes[w2], 0);
		c.put(BPFI_ALU64 | BPFI_MOV | BPFI_K, 0, 0, 0, 0);
		c.put(BPFI_JMP_EXIT, 0, 0, 0, 0);
		p.insn = c.insn;
		std::string log;
		int fd = k.load(p, &log);
		our_verdict v = verify(p, 0, false, b);
		EXPECT_EQ(v.accepted, fd >= 0) << "type " << id << ", offset " << p.insn[p.insn.size() - 3 - twice].off << "\n" << v.text << "\n" << log;
		accepted += fd >= 0;
		followed += fd >= 0 && twice;
		if (fd >= 0)
			close(fd);
	}
	EXPECT_GT(accepted, 1000u);
	EXPECT_GT(followed, 50u);
	btf__free(b);
}
