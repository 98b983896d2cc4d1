// SPDX-License-Identifier: MIT
// Every diagnostic is provoked somewhere: a code that no test names fails here.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "diag.h"

namespace fs = std::filesystem;

// Codes written as V003 or DIAG_V003 in sources and expectations below test/.
static std::set<std::string> named_by_tests()
{
	static const std::regex code("\\b(?:DIAG_)?([A-Z][0-9]{3})\\b");
	std::set<std::string> out;
	for (const auto &e : fs::recursive_directory_iterator(BPFTIME_TEST_DIR)) {
		if (!e.is_regular_file() || e.path() == __FILE__ || e.path().extension() == ".jsonl")
			continue;
		std::ifstream f(e.path());
		std::stringstream s;
		s << f.rdbuf();
		std::string text = s.str();
		for (std::sregex_iterator i(text.begin(), text.end(), code), end; i != end; ++i)
			out.insert((*i)[1]);
	}
	return out;
}

// An error always has a message, which is said once, however often it is handed on.
TEST(Diag, WithoutAMessageHasTheTextOfItsCode)
{
	char *out = nullptr;
	size_t n = 0;
	diags first = {}, again = {};

	diag(&first, DIAG_L012, at_file("a.hook.o"), "%s", "");
	EXPECT_STREQ(first.first_text, diag_text(DIAG_L012));
	EXPECT_STREQ(diags_detail(&first), "");
	again.out = open_memstream(&out, &n);
	diag(&again, first.first, at_file("a.hook.o"), "%s", first.first_text);
	fclose(again.out);
	EXPECT_EQ(std::string(out), std::string("a.hook.o: error[L012]: ") + diag_text(DIAG_L012) + "\n");
	free(out);

	diags other = {};
	diag(&other, DIAG_L012, at_file("a.hook.o"), "%s", "f");
	EXPECT_STREQ(other.first_text, "f");
	EXPECT_STREQ(diags_detail(&other), "f");
}

TEST(Coverage, EveryDiagnosticIsNamedByATest)
{
	static const std::set<std::string> exempt = {
		"E003",		// memory that is out
		"I001",		// a bug of ours
		"P202",		// trampolines 2 GiB away: P107 refuses such files first
	};
	std::set<std::string> named = named_by_tests();
	for (int c = DIAG_OK + 1; c < DIAG_COUNT; c++) {
		std::string name = diag_name((enum diag_code)c);
		EXPECT_TRUE(named.count(name) || exempt.count(name)) << name;
	}
}
