// SPDX-License-Identifier: MIT
// Hooks that call functions of the program they are in (docs/ufunc.md).
#include "e2e.h"

namespace {

struct Ufunc : testing::Test {
	Scratch tmp;
	std::string prog = tmp / "prog", patched = tmp / "patched", maps = tmp / "maps";

	Output build(const std::string &more, const std::string &from = BPFTIME_TEST_DIR "/e2e/ufunc.c")
	{
		return shell("cc -O1 -mno-avx -pthread -fno-builtin " + more + " -o " + prog + " " + from);
	}
	Output patch(const std::string &more = "")
	{
		return shell(bin + "bpftime-patch --binary " + prog + " " BPFTIME_E2E_UFUNC " -o " + patched + " --map-dir " + maps + " " + more);
	}
	long of(const char *map) { return map_value(maps, std::string("ufunc/") + map); }
};

}  // namespace

// The program's results are its own: what functions clobber is kept.
TEST_F(Ufunc, FunctionsAreCalled)
{
	for (const char *how : {"", "-static", "-no-pie -fno-plt", "-Wl,-z,now"}) {
		ASSERT_EQ(build(how).status, 0);
		Output r = patch();
		ASSERT_EQ(r.status, 0) << r;
		EXPECT_NE(r.text.find("its own function of_bytes is called by a hook"), r.text.npos) << r;
		Output plain = shell(prog + " 500"), hooked = shell("SEEN=1 " + patched + " 500");
		EXPECT_EQ(plain.status, 0) << plain;
		EXPECT_EQ(hooked.text, plain.text + "seen 1 nested 1\n") << how;
		EXPECT_EQ(hooked.status, 0);
		EXPECT_EQ(of("wrong"), 0) << how;
		EXPECT_GE(of("calls"), 2000);	// work() inside again() makes no further calls
		EXPECT_EQ(of("imported"), 7 * of("calls"));
		shell("rm -rf " + maps);
	}
}

TEST_F(Ufunc, WhatCannotBeCalledIsRefused)
{
	const char *source = "int work(double a) { return (int)a * 123456 + 7; } int main(void) { return work(2); }";
	std::ofstream(tmp / "none.c") << source;
	ASSERT_EQ(build("", tmp / "none.c").status, 0);
	Output r = patch();
	EXPECT_EQ(r.status, 1);
	EXPECT_NE(r.text.find("error[P028]: a function that a program calls is not there: of_bytes: it has no function of that name"), r.text.npos) << r;

	std::ofstream(tmp / "two.c") << "static int __attribute__((noinline, used)) of_bytes(int a) { return a * 3; } int other(void) { return of_bytes(1); }";
	ASSERT_EQ(build("", std::string(BPFTIME_TEST_DIR "/e2e/ufunc.c ") + (tmp / "two.c")).status, 0);
	r = patch();
	EXPECT_EQ(r.status, 1);
	EXPECT_NE(r.text.find("of_bytes: there are several of that name"), r.text.npos) << r;
}
