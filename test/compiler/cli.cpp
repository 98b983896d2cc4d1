// SPDX-License-Identifier: MIT
// The command line answers with its documented exit codes.
#include <gtest/gtest.h>

#include <sys/wait.h>

static int aot(const std::string &args)
{
	int st = system((BPFTIME_BIN_DIR "/bpftime-aot " + args + " 2>&1").c_str());
	return WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
}

TEST(AotCli, HelpAndVersionSucceed)
{
	EXPECT_EQ(aot("--help >/dev/null"), 0);
	EXPECT_EQ(aot("--version >/dev/null"), 0);
}

TEST(AotCli, BadCommandLinesAreUsageErrors)
{
	EXPECT_EQ(aot(">/dev/null"), 2);
	EXPECT_EQ(aot("frobnicate >/dev/null"), 2);
}
