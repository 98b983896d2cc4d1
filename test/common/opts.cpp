// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <string>

#include "opts.h"

static int parse(std::initializer_list<const char *> words, struct opts *o, struct diags *dg)
{
	static std::vector<char *> v;
	v.assign(1, const_cast<char *>("tool"));
	for (auto w : words)
		v.push_back(const_cast<char *>(w));
	v.push_back(nullptr);
	return opts_parse(OPT_AOT, "compile", (int)v.size() - 1, v.data(), o, dg);
}

TEST(Opts, ReadsOptionsAndArguments)
{
	struct diags dg = {};
	struct opts o;
	ASSERT_EQ(parse({"x.o", "-o", "y", "--set", "a=1", "--set=b=2", "-O0"}, &o, &dg), 0);
	EXPECT_STREQ(opts_get(&o, "output"), "y");
	EXPECT_STREQ(opts_get(&o, "set"), "b=2");
	EXPECT_STREQ(opts_get(&o, "opt-level"), "0");
	ASSERT_EQ(o.n_arg, 1u);
	EXPECT_STREQ(o.arg[0], "x.o");
	opts_free(&o);
}

TEST(Opts, RefusesWhatTheCommandDoesNotTake)
{
	struct diags dg = {};
	struct opts o;
	EXPECT_LT(parse({"--engine", "jit"}, &o, &dg), 0);
	EXPECT_EQ(diags_exit(&dg), EX_USAGE);
	EXPECT_LT(parse({"-o"}, &o, &dg), 0);
}

TEST(Opts, NamesTheWordThatIsWrong)
{
	struct opts o;
	for (auto [word, want] : { std::pair{ "-x12", "unknown option -x; see --help" },
				   std::pair{ "--frob", "unknown option --frob; see --help" },
				   std::pair{ "-12", "unknown option -1; write -- before" } }) {
		struct diags dg = {};
		EXPECT_LT(parse({"x.o", word, "y"}, &o, &dg), 0);
		EXPECT_EQ(std::string(dg.first_text).rfind(want, 0), 0u) << dg.first_text;
	}
}

// Does some command take both?  An empty list is all commands.
static bool share_a_command(const opt_row &a, const opt_row &b)
{
	std::istringstream words(a.command);
	if (!*a.command || !*b.command)
		return true;
	for (std::string w; words >> w;)
		if ((" " + std::string(b.command) + " ").find(" " + w + " ") != std::string::npos)
			return true;
	return false;
}

TEST(Opts, RowsAreUnambiguous)
{
	for (size_t i = 0; i < opt_n_rows; i++)
		for (size_t k = i + 1; k < opt_n_rows; k++) {
			const opt_row &a = opt_rows[i], &b = opt_rows[k];
			if (a.tool != b.tool && a.tool != OPT_ANY && b.tool != OPT_ANY)
				continue;
			if (share_a_command(a, b)) {
				EXPECT_STRNE(a.name, b.name);
				EXPECT_TRUE(!a.letter || a.letter != b.letter) << a.name << " " << b.name;
			}
		}
}
