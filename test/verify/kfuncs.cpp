// SPDX-License-Identifier: MIT
// Kernel functions: all that this kernel has are known by name, and those on strings answer as the
// kernel's do in the same programs.
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

// r6 = r6 * 31 + r0, for all of them.
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
		c.put(BPFI_ALU64 | BPFI_MUL | BPFI_K, 6, 0, 0, 31);
		c.put(BPFI_ALU64 | BPFI_ADD | BPFI_X, 6, 0, 0, 0);
	}
	c.value(1, 56);		// all 64 bits
	c.put(BPFI_STX | BPFI_MEM | BPFI_DW, 1, 6, 0, 0);
	c.put(BPFI_ALU64 | BPFI_MOV | BPFI_X, 0, 6, 0, 0);
	c.put(BPFI_JMP_EXIT, 0, 0, 0, 0);
	p.insn = c.insn;
	return p;
}

}

TEST(Kfuncs, StringsAreTheKernels)
{
	kernel_oracle k;
	if (!k.usable())
		GTEST_SKIP() << "this process may not load BPF programs into the kernel";
	run_batch batch(k);
	std::mt19937_64 rnd(7);
	std::string text;
	for (int i = 0; i < 200; i++) {
		gen_prog p = strings(rnd);
		std::string log;
		int fd = k.load(p, &log);
		ASSERT_GE(fd, 0) << log;
		close(fd);
		ASSERT_TRUE(verify(p).accepted) << verify(p).text;
		batch.add(p);
		if (batch.size() == 50)
			EXPECT_TRUE(batch.compare(&text)) << text;
	}
	EXPECT_EQ(batch.compared, 200u);
}
