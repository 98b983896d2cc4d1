// SPDX-License-Identifier: MIT
// A patched program whose hook starts timers (timed.bpf.c): callbacks come, in the process that started
// them, and the program notices a thread and nothing else (timed.c).
#include <chrono>

#include "e2e.h"

namespace {

struct Timed : testing::Test {
	Scratch tmp;
	std::string prog = tmp / "timed", patched = tmp / "patched", maps = tmp / "maps";
	double seconds = 0;

	void SetUp() override
	{
		ASSERT_EQ(shell("cc -O1 -pthread -o " + prog + " " BPFTIME_TEST_DIR "/e2e/timed.c").status, 0);
		Output r = shell(bin + "bpftime-patch --binary " + prog + " " BPFTIME_E2E_TIMED " -o " + patched + " --map-dir " + maps);
		ASSERT_EQ(r.status, 0) << r;
	}
	Output run(const std::string &mode)
	{
		auto began = std::chrono::steady_clock::now();
		Output r = shell("timeout 60 " + patched + " " + mode);
		seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
		return r;
	}
	long of(const char *map) { return map_value(maps, std::string("timed/") + map); }
	// In `out` behind "when: "; "" when it is not there.
	static std::string at(const Output &r, const std::string &when)
	{
		std::smatch m;
		return std::regex_search(r.text, m, std::regex("(^|\n)" + when + ": ([^\n]*)")) ? m[2].str() : "";
	}
};

// Signals that are not raised by code are blocked: all but ILL, TRAP, BUS, FPE, KILL, SEGV, STOP, SYS.
const char MASK[] = "ffffffffbffbfa27";

}  // namespace

TEST_F(Timed, AThreadIsThereWhileATimerIs)
{
	std::string uid = std::to_string(getuid());
	Output r = run("idle");
	EXPECT_EQ(r.status, 0) << r;
	EXPECT_EQ(at(r, "before"), "1") << r;
	EXPECT_EQ(at(r, "armed"), std::string("2 ") + uid + " " + MASK) << r;
	EXPECT_EQ(at(r, "idle"), "1") << r;
	EXPECT_EQ(at(r, "again").substr(0, 1), "2") << r;
	EXPECT_EQ(of("fired"), 2);
	EXPECT_EQ(of("refused"), 0);
}

TEST_F(Timed, AChildHasItsOwn)
{
	Output r = run("fork");
	EXPECT_EQ(r.status, 0) << r;
	EXPECT_EQ(at(r, "child"), "1") << r;
	EXPECT_EQ(at(r, "child armed").substr(0, 1), "2") << r;
	EXPECT_EQ(of("fired"), 2);
	EXPECT_EQ(of("astray"), 0);
}

TEST_F(Timed, TheEndIsNotHeldUp)
{
	for (const char *mode : {"exit", "last"}) {
		Output r = run(mode);
		EXPECT_EQ(r.status, 0) << r;
		EXPECT_LT(seconds, 30) << mode;
	}
	EXPECT_EQ(of("fired"), 0);
}

TEST_F(Timed, NoSignalOfTheProgramComesToIt)
{
	Output r = run("signals");
	EXPECT_EQ(r.status, 0) << r;
	EXPECT_NE(r.text.find("elsewhere 0 of many"), r.text.npos) << r;
}

// The thread would keep what the program gives up.
TEST_F(Timed, RightsThatAreGivenUpAreGone)
{
	if (getuid())
		GTEST_SKIP() << "needs root";
	Output r = run("uid");
	ASSERT_EQ(r.status, 0) << r;
	EXPECT_EQ(at(r, "given up"), std::string("2 65534 ") + MASK) << r;
	EXPECT_GE(of("fired"), 1);
	EXPECT_EQ(of("refused"), 0);
}

TEST_F(Timed, NoneWhereAFilterMayMind)
{
	Output r = run("seccomp");
	if (r.status == 77)
		GTEST_SKIP() << "no filters here";
	EXPECT_EQ(at(r, "armed"), "1") << r;
	EXPECT_EQ(of("refused"), 1);
	EXPECT_EQ(of("fired"), 0);
}
