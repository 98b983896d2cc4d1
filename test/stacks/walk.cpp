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

// Without the frames in which they must differ: here() and the call of it, the hooked function and the call of that.
void expect_taken(const std::string &out, const std::string &maps, size_t hits)
{
	auto want = printed(out), got = taken(maps);
	ASSERT_EQ(want.size(), hits) << out;
	ASSERT_EQ(got.size(), hits);
	for (size_t i = 0; i < hits; i++)
		EXPECT_EQ(hex(from(got[i], 2)), hex(from(want[i], 1))) << "stack " << i;
}

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
		ASSERT_EQ(shell("strip " + program).status, 0);
	}
	Output p = patch_stacks(program, args, s / "patched");
	ASSERT_EQ(p.status, 0) << p.text;
	Output r = shell("BPFTIME_DIR=" + s.dir + "/maps " + (s / "patched"));
	ASSERT_EQ(r.status, 0) << r.text;
	expect_taken(r.text, s.dir + "/maps", b.hits);
}

}  // namespace

TEST_P(Walk, IsTheUnwinders)
{
	expect_same(GetParam(), "--uprobe leaf --uprobe leaf_args");
}

TEST(WalkStripped, IsTheUnwinders)
{
	expect_same({"stripped", "g++ -x c++ -static", "g++", 11}, "", true);
}

// Frames of functions whose returns are hooked, called through and by return slots, also behind a tail call:
// what is on the stack is not what the callers put there.
TEST(WalkReturns, AreNotSeenInStacks)
{
	Scratch s;
	std::string program;
	if (!have("g++"))
		GTEST_SKIP() << "no g++ here";
	ASSERT_EQ(compile_walked(s, "g++ -x c++ -fomit-frame-pointer -static -no-pie", program), "");
	std::string args = "--uprobe leaf --uprobe leaf_args";
	for (auto f : {"both", "deep", "aligned", "tail", "big", "many", "catches", "leaf_args"})
		args += std::string(" --uretprobe ") + f + "'*'";
	Output p = patch_stacks(program, args + " --plan", s / "patched");
	ASSERT_NE(p.text.find("+return"), std::string::npos) << p.text;
	p = patch_stacks(program, args, s / "patched");
	ASSERT_EQ(p.status, 0) << p.text;
	auto want = printed(shell(program).text);	// its addresses are the patched one's
	Output r = shell("BPFTIME_DIR=" + s.dir + "/maps " + (s / "patched"));
	ASSERT_EQ(r.status, 0) << r.text;
	auto got = taken(s.dir + "/maps");
	ASSERT_EQ(want.size(), 11u);
	ASSERT_EQ(got.size(), 11u);
	for (size_t i = 0; i < 11; i++)
		EXPECT_EQ(hex(from(got[i], 2)), hex(from(want[i], 1))) << "stack " << i;
	// Of both() at its return; many() does without it.
	got = taken(s.dir + "/maps", "returns", place_of(program, "_ZL4bothi").vaddr);
	ASSERT_EQ(got.size(), 10u);
	for (size_t i = 0, k = 0; i < 11; i++)
		if (want[i].size() > 1 && k < 10 && hex(got[k]) == hex(from(want[i], 1)))
			k++;
		else
			EXPECT_EQ(i, 5u) << hex(got[std::min<size_t>(k, 9)]);
}

// The hooked function is a library's, its callers are not what was patched.
TEST(WalkLibrary, GoesOnInItsCallers)
{
	Scratch s;
	if (!have("g++"))
		GTEST_SKIP() << "no g++ here";
	std::string lib = s / "libleaf.so";
	ASSERT_EQ(shell("gcc -O2 -shared -fPIC -DLEAF_ALONE -o " + lib + " " STACKS_SOURCE).text, "");
	ASSERT_EQ(shell("g++ -x c++ -O2 -DLEAF_ELSEWHERE -o " + (s / "walked") + " " STACKS_SOURCE " -L" + s.dir + " -lleaf").text, "");
	Output p = shell(bin + "bpftime-patch --in-place --map-dir " + s.dir + "/maps --binary " + lib + " --uprobe leaf --uprobe leaf_args " STACKS_HOOK);
	ASSERT_EQ(p.status, 0) << p.text;
	Output r = shell("LD_LIBRARY_PATH=" + s.dir + " " + (s / "walked"));
	ASSERT_EQ(r.status, 0) << r.text;
	expect_taken(r.text, s.dir + "/maps", 11);
}

// The payload is in memory alone.
TEST(WalkLive, IsTheUnwinders)
{
	Scratch s;
	std::string program;
	if (!have("g++"))
		GTEST_SKIP() << "no g++ here";
	ASSERT_EQ(compile_walked(s, "g++ -x c++", program), "");
	Output r = shell(bin + "bpftime-patch run --map-dir " + s.dir + "/maps --uprobe leaf --uprobe leaf_args " STACKS_HOOK " -- " + program);
	if (r.status && r.text.find("ptrace") != std::string::npos)
		GTEST_SKIP() << r.text;
	ASSERT_EQ(r.status, 0) << r.text;
	expect_taken(r.text, s.dir + "/maps", 11);
}

// Go has frame pointers and no .eh_frame; goroutines have stacks of their own.
TEST(WalkGo, IsTheRuntimes)
{
	Scratch s;
	if (!have("go"))
		GTEST_SKIP() << "no go here";
	ASSERT_EQ(shell("cd " + s.dir + " && HOME=" + s.dir + " GOFLAGS= GO111MODULE=off go build -o walked " GO_STACKS_SOURCE).status, 0);
	Output p = patch_stacks(s / "walked", "--uprobe main.leaf", s / "patched");
	ASSERT_EQ(p.status, 0) << p.text;
	Output r = shell("BPFTIME_DIR=" + s.dir + "/maps " + (s / "patched"));
	ASSERT_EQ(r.status, 0) << r.text;
	auto want = printed(r.text), got = taken(s.dir + "/maps");
	ASSERT_EQ(want.size(), 3u) << r.text;
	ASSERT_EQ(got.size(), 3u);
	for (size_t i = 0; i < 3; i++)	// here() itself comes first
		EXPECT_EQ(hex(from(got[i], 2)), hex(from(want[i], 2)));
}

// Libraries come and go, at the same place: what was known of one is not taken for the other.
TEST(WalkUnloaded, IsNotTakenForItsSuccessor)
{
	Scratch s;
	if (!have("gcc"))
		GTEST_SKIP() << "no gcc here";
	std::string run = "BPFTIME_DIR=" + s.dir + "/maps " + (s / "p");
	for (int i = 0; i < 3; i++) {
		std::string lib = s.dir + "/lib" + std::to_string(i) + ".so";
		ASSERT_EQ(shell("gcc -O2 -fno-stack-protector -shared -fPIC -DSIZE=" + std::to_string(30000 * (i + 1)) + " -o " + lib + " " UNLOADED_SOURCE).text, "");
		run += " " + lib;
	}
	ASSERT_EQ(shell("gcc -O2 -w -o " + (s / "main") + " " UNLOADED_SOURCE).text, "");
	Output p = patch_stacks(s / "main", "--uprobe leaf", s / "p");
	ASSERT_EQ(p.status, 0) << p.text;
	Output r = shell(run);
	ASSERT_EQ(r.status, 0) << r.text;
	expect_taken(r.text, s.dir + "/maps", 12);
	std::regex at("at (0x[0-9a-f]+)");
	std::map<std::string, int> places;
	for (std::sregex_iterator i(r.text.begin(), r.text.end(), at), end; i != end; ++i)
		places[(*i)[1]]++;
	EXPECT_LT(places.size(), 12u) << "no two libraries were at one place: " << r.text;
}

INSTANTIATE_TEST_SUITE_P(Builds, Walk, testing::Values(
	Build{"dynamic", "g++ -x c++ -fomit-frame-pointer", "g++", 11},
	Build{"frame_pointers", "g++ -x c++ -fno-omit-frame-pointer", "g++", 11},
	Build{"clang", "clang-19", "clang-19", 9},
	Build{"static", "g++ -x c++ -fomit-frame-pointer -static", "g++", 11},
	Build{"static_pie", "gcc -fomit-frame-pointer -static-pie", "gcc", 9},
	Build{"musl", "musl-gcc -DNO_FIND_OBJECT", "musl-gcc", 9},
	Build{"musl_static", "musl-gcc -static -DNO_FIND_OBJECT", "musl-gcc", 9}),
	[](const auto &i) { return i.param.name; });
