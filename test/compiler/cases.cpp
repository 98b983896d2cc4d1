// SPDX-License-Identifier: MIT
// Runs test/cases/isa/*.case, one behaviour each, with both engines.
//
//     # why
//     -- raw       one slot a line: code (hex), dst, src, off, imm
//     -- mem       hex bytes that r1 points at, length in r2
//     -- result    r0, or
//     -- error     the code of the diagnostic
#include <gtest/gtest.h>

#include <dirent.h>
#include <fstream>
#include <set>
#include <sstream>

#include "record.h"
#include "vm_unit.h"

static const std::string folder = BPFTIME_TEST_DIR "/cases/isa/";

static std::vector<std::string> names()
{
	std::vector<std::string> v;
	DIR *d = opendir(folder.c_str());
	while (dirent *e = d ? readdir(d) : nullptr) {
		std::string n = e->d_name;
		if (n.size() > 5 && n.substr(n.size() - 5) == ".case")
			v.push_back(n.substr(0, n.size() - 5));
	}
	if (d)
		closedir(d);
	std::sort(v.begin(), v.end());
	return v;
}

struct Case {
	std::vector<bpfi> code;
	std::vector<uint8_t> mem;
	std::string result, error, why;

	explicit Case(const std::string &name)
	{
		std::ifstream in(folder + name + ".case");
		std::string line, part;
		while (std::getline(in, line)) {
			if (line.rfind("-- ", 0) == 0) {
				part = line.substr(3);
				continue;
			}
			if (part.empty() && line.rfind("# ", 0) == 0)
				why = line.substr(2);
			std::istringstream words(line.substr(0, line.find('#')));
			std::string w[5];
			words >> w[0] >> w[1] >> w[2] >> w[3] >> w[4];
			if (w[0].empty())
				continue;
			if (part == "raw") {
				bpfi i = {};
				i.code = (uint8_t)std::stoul(w[0], nullptr, 16);
				i.dst = (uint8_t)std::stoul(w[1], nullptr, 0) & 15;
				i.src = (uint8_t)std::stoul(w[2], nullptr, 0) & 15;
				i.off = (int16_t)std::stol(w[3], nullptr, 0);
				i.imm = (int32_t)std::stoll(w[4], nullptr, 0);
				code.push_back(i);
			} else if (part == "mem") {
				for (const std::string &hex : w)
					for (size_t k = 0; k + 1 < hex.size(); k += 2)
						mem.push_back((uint8_t)std::stoul(hex.substr(k, 2),
										  nullptr, 16));
			} else if (part == "result") {
				result = w[0];
			} else if (part == "error") {
				error = w[0];
			}
		}
	}
};

class IsaCase : public testing::TestWithParam<std::string> {};

TEST_P(IsaCase, GivesItsResult)
{
	Case c(GetParam());
	ASSERT_FALSE(c.code.empty());
	ASSERT_NE(c.result.empty(), c.error.empty());
	EXPECT_FALSE(c.why.empty());
	for (bool jit : {false, true}) {
		std::vector<uint8_t> mem(c.mem);
		struct diags dg = {};
		uint64_t r0 = 0;
		mem.resize(mem.size() + 8);
		int err = vm_run(c.code, mem.data(), c.mem.size(), { jit, false, 3 }, &r0, &dg);
		if (c.error.empty()) {
			EXPECT_EQ(err, 0) << dg.first_text;
			EXPECT_EQ(r0, std::stoull(c.result, nullptr, 16)) << "got 0x" << std::hex << r0;
		} else {
			EXPECT_LT(err, 0);
			EXPECT_STREQ(diag_name(dg.first), c.error.c_str()) << dg.first_text;
		}
	}
}

INSTANTIATE_TEST_SUITE_P(Isa, IsaCase, testing::ValuesIn(names()),
			 [](const auto &i) {
	std::string n = i.param;
	for (char &ch : n)
		ch = isalnum((unsigned char)ch) ? ch : '_';
	return n;
});

/* Every row of isa.def, in every form it stands for, occurs in a program with a known
 * result: here or in the conformance suite. */
TEST(Coverage, EveryRowOfTheIsaHasACase)
{
	std::set<int> seen, atomics;
	auto see = [&](const bpfi &in) {
		if (BPFI_CLASS(in.code) == BPFI_STX && BPFI_MODE(in.code) == BPFI_ATOMIC)
			atomics.insert(in.imm << 8 | in.code);
		seen.insert(in.code);
	};
	for (const std::string &n : names())
		for (const bpfi &in : Case(n).code)
			see(in);
	struct diags dg = {};
	ASSERT_EQ(record_lines(BPFTIME_TEST_DIR "/data/conformance.jsonl",
			       [](void *arg, unsigned, const char *line, size_t n) {
		struct record r;
		struct diags d = {};
		if (!record_parse("conformance", line, n, &r, &d)) {
			for (uint32_t i = 0; i < r.unit->prog[0].n_insn; i++)
				(*(decltype(see) *)arg)(r.unit->prog[0].insn[i]);
			unit_free(r.unit);
		}
		return 0;
	}, &see, &dg), 0);
#define ALU(name_, code_, text_)                                                     \
	for (int form : std::initializer_list<int>{ BPFI_ALU, BPFI_ALU64, BPFI_ALU | BPFI_X, BPFI_ALU64 | BPFI_X })    \
		if (!((form & BPFI_X) && ((code_) == BPFI_NEG ||                             \
					  ((code_) == BPFI_END && form & 3))))               \
			EXPECT_TRUE(seen.count((code_) | form)) << #name_ << " form " << form;
#define JMP(name_, code_, text_)                                                             \
	for (int form : std::initializer_list<int>{ BPFI_JMP, BPFI_JMP32, BPFI_JMP | BPFI_X, BPFI_JMP32 | BPFI_X })    \
		EXPECT_TRUE(seen.count((code_) | form)) << #name_ << " form " << form;
#define ATOMIC(name_, imm_, text_)                                                           \
	for (int size : std::initializer_list<int>{ BPFI_W, BPFI_DW })                                                 \
		EXPECT_TRUE(atomics.count((imm_) << 8 | BPFI_STX | BPFI_ATOMIC | size))      \
			<< #name_ << " size " << size;
#include "isa.def"
	EXPECT_TRUE(seen.count(BPFI_JMP_GOTOL));
	EXPECT_TRUE(seen.count(BPFI_MAY_GOTO));
	EXPECT_TRUE(seen.count(BPFI_JMP_CALLX));
}
