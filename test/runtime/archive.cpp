// SPDX-License-Identifier: MIT
// What lives in somebody else's binary needs nothing from it and touches no vector register.
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

#include "../shell.h"

static std::string run(const std::string &cmd)
{
	Output o = stdout_of(cmd);
	EXPECT_EQ(o.status, 0) << cmd;
	return o.text;
}

static std::set<std::string> second_words(const std::string &text, const char *re)
{
	std::set<std::string> words;
	std::regex r(re);
	for (std::sregex_iterator i(text.begin(), text.end(), r), end; i != end; ++i)
		words.insert((*i)[1]);
	return words;
}

TEST(Archive, NeedsOnlyThePayload)
{
	std::string nm = run(CMAKE_NM " -g " RT_ARCHIVE);
	auto needs = second_words(nm, " U (\\w+)"), has = second_words(nm, " [TDRBVW] (\\w+)");
	ASSERT_TRUE(has.count("bpftime_rt1_init"));
	has.insert("bpftime_rt1_payload");
	has.insert("bpftime_rt1_unwind");
	has.insert("_GLOBAL_OFFSET_TABLE_");	// named by the assembler where there is a GOTPCREL
	for (auto s : {"__start_bpftime_guarded", "__stop_bpftime_guarded",	// the payload linker's, or ld's
		       "__start_bpftime_timers", "__stop_bpftime_timers"})
		has.insert(s);
	for (auto &s : needs)
		EXPECT_TRUE(has.count(s)) << s;
	// A program that links the archive keeps its libc's.
	for (auto s : {"memcpy", "memset", "memcmp", "memmove", "strlen"})
		EXPECT_FALSE(has.count(s)) << s;
}

TEST(Archive, HasNoAbsoluteRelocation)
{
	auto kinds = second_words(run(CMAKE_OBJDUMP " -r " RT_ARCHIVE), "(R_X86_64_\\w+)");
	ASSERT_FALSE(kinds.empty());
	for (auto &k : kinds)
		EXPECT_TRUE(k == "R_X86_64_PC32" || k == "R_X86_64_PLT32" ||
			    k == "R_X86_64_REX_GOTPCRELX") << k;	// of weak references
}

TEST(Archive, HasNoVectorInstruction)
{
	std::string text = run(CMAKE_OBJDUMP " -d --no-show-raw-insn " RT_ARCHIVE);
	ASSERT_NE(text.find("syscall"), std::string::npos);
	std::regex vector("%([xyz]mm|mm|st|k)[0-9(]");
	std::smatch m;
	EXPECT_FALSE(std::regex_search(text, m, vector)) << m.str();
}

TEST(Archive, HasNoThreadLocalAndNoConstructor)
{
	std::string h = run(CMAKE_OBJDUMP " -h " RT_ARCHIVE);
	for (auto s : {".tdata", ".tbss", ".init_array", ".ctors", ".eh_frame"})
		EXPECT_EQ(h.find(s), std::string::npos) << s;
}
