// SPDX-License-Identifier: MIT
// Maps of maps in a real program: the maps it starts with, and others that bpftime-ctl makes and
// puts in while it runs.
#include "e2e.h"

#include <sstream>

namespace {

struct InnerMaps : testing::Test {
	Scratch tmp;
	std::string prog = tmp / "prog", patched = tmp / "patched", maps = tmp / "maps";

	void SetUp() override
	{
		std::ofstream(prog + ".c") <<
			"#include <stdio.h>\n"
			"__attribute__((noinline)) void work(unsigned n) { __asm__ volatile(\".nops 8\" :: \"r\"(n)); }\n"
			"int main(void) { unsigned from, to;\n"
			" while (scanf(\"%u %u\", &from, &to) == 2) { while (from < to) work(from++);"
			" puts(\"done\"); fflush(stdout); } }\n";
		ASSERT_EQ(shell("cc -O1 -o " + prog + " " + prog + ".c").status, 0);
		Output made = shell(bin + "bpftime-patch --binary " + prog + " --uprobe work --map-dir " + maps +
				 " -o " + patched + " " BPFTIME_E2E_INNER);
		ASSERT_EQ(made.status, 0) << made.text;
	}
	Output ctl(const std::string &what) { return shell(bin + "bpftime-ctl " + what + " --dir " + maps); }
	// What counts the calls work(from..to - 1) with n % 3 == rest make, shown by dump.
	static std::string counts(unsigned from, unsigned to, unsigned rest)
	{
		std::ostringstream s;
		for (unsigned n = from; n < to; n++)
			if (n % 3 == rest)
				s << n << ": 1\n";
		return s.str();
	}
};

}  // namespace

TEST_F(InnerMaps, OfTheObject)
{
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(shell("echo 0 30 | " + patched).text, "done\n");
	std::string twice = counts(0, 30, 0);
	for (size_t at = 0; (at = twice.find(": 1", at)) != twice.npos; at += 3)
		twice[at + 2] = '2';
	EXPECT_EQ(ctl("dump first").text, twice);
	EXPECT_EQ(ctl("dump lane").text, "0: 8\n1: 8\n2: 8\n3: 8\n4: 8\n5: 8\n6: 6\n7: 6\n");
	EXPECT_EQ(ctl("dump outer").text, "0: first\n1: second\n");
	EXPECT_EQ(ctl("dump lanes").text, "7: lane\n");
}

// One process, whose slots change under it.
TEST_F(InnerMaps, MadeAndPutInWhileItRuns)
{
	int in[2], out[2];
	ASSERT_EQ(pipe(in) | pipe(out), 0);
	pid_t pid = fork();
	if (!pid) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		close(out[0]);
		execl(patched.c_str(), patched.c_str(), nullptr);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	auto calls = [&](const char *range) {
		char done[16] = {};
		EXPECT_GT(write(in[1], range, strlen(range)), 0);
		EXPECT_EQ(read(out[0], done, sizeof(done)), 5);
	};
	calls("0 9\n");
	EXPECT_EQ(ctl("dump first").text, counts(0, 9, 0));
	EXPECT_EQ(ctl("create outer third 1000").text, "");
	EXPECT_EQ(ctl("set outer 2 third").text, "");
	calls("9 18\n");
	EXPECT_EQ(ctl("dump third").text, counts(9, 18, 2));
	EXPECT_EQ(ctl("dump first").text, counts(0, 18, 0));
	EXPECT_EQ(ctl("create outer fourth").text, "");
	EXPECT_EQ(ctl("set outer 0 fourth").text, "");
	EXPECT_EQ(ctl("del outer 1").text, "");
	calls("18 27\n");
	EXPECT_EQ(ctl("dump first").text, counts(0, 18, 0));
	EXPECT_EQ(ctl("dump second").text, counts(0, 18, 1));
	EXPECT_EQ(ctl("dump third").text, counts(9, 27, 2));
	EXPECT_EQ(ctl("dump fourth").text, counts(18, 27, 0));
	EXPECT_NE(ctl("set outer 1 lane").status, 0);
	close(in[1]);
	close(out[0]);
	int status;
	waitpid(pid, &status, 0);
	EXPECT_EQ(status, 0);
	// and the next process finds them so
	ASSERT_EQ(shell("echo 27 36 | " + patched).text, "done\n");
	EXPECT_EQ(ctl("dump fourth").text, counts(18, 36, 0));
	EXPECT_EQ(ctl("dump second").text, counts(0, 18, 1));
}
