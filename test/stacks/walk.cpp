// SPDX-License-Identifier: MIT
// Stacks of functions without frame pointers are those that the compiler's own unwinder finds.
#include "stacks.h"

namespace {

struct Build {
	const char *name, *how, *tool;
	size_t hits;
};
std::ostream &operator<<(std::ostream &o, const Build &b) { return o << b.name; }

class Walk : public testing::TestWithParam<Build> {};

// Runs the patched program; the stacks of both, without the frames in which they must differ:
// here() and the call of it, the hooked function and the call of that.
void expect_same(const Build &b, std::string args, bool strip = false)
{
	Scratch s;
	std::string program;
	if (!have(b.tool))
		GTEST_SKIP() << "no " << b.tool << " here";
	std::string why = compile_walked(s, b.how, program);
	ASSERT_EQ(why, "");
	if (strip) {
		args = "";
		for (auto name : {"leaf", "leaf_args"}) {
			char at[32];
			snprintf(at, sizeof(at), " --uprobe @0x%lx", (long)place_of(program, name).vaddr);
			args += at;
		}
		ASSERT_EQ(sh("strip " + program).status, 0);
	}
	Result p = patch_stacks(program, args, s / "patched");
	ASSERT_EQ(p.status, 0) << p.out;
	Result r = sh("BPFTIME_DIR=" + s.dir + "/maps " + (s / "patched"));
	ASSERT_EQ(r.status, 0) << r.out;
	auto want = printed(r.out), got = taken(s.dir + "/maps");
	ASSERT_EQ(want.size(), b.hits);
	ASSERT_EQ(got.size(), b.hits);
	for (size_t i = 0; i < b.hits; i++)
		EXPECT_EQ(hex(from(got[i], 2)), hex(from(want[i], 1))) << "stack " << i;
}

}  // namespace

TEST_P(Walk, IsTheUnwinders)
{
	expect_same(GetParam(), "--uprobe leaf --uprobe leaf_args");
}

TEST(WalkStripped, IsTheUnwinders)
{
	expect_same({"stripped", "g++ -x c++ -static -DNO_SIGNAL", "g++", 10}, "", true);
}

INSTANTIATE_TEST_SUITE_P(Builds, Walk, testing::Values(
	Build{"static", "g++ -x c++ -fomit-frame-pointer -static -DNO_SIGNAL", "g++", 10},
	Build{"static_pie", "gcc -fomit-frame-pointer -static-pie -DNO_SIGNAL", "gcc", 8},
	Build{"frame_pointers", "g++ -x c++ -fno-omit-frame-pointer -static -DNO_SIGNAL", "g++", 10},
	Build{"musl_static", "musl-gcc -static -DNO_FIND_OBJECT -DNO_SIGNAL", "musl-gcc", 8}),
	[](const auto &i) { return i.param.name; });
