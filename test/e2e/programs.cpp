// SPDX-License-Identifier: MIT
// Programs of every kind do the same job with a hook at a function's entry and return, and
// the hooks count what a kernel uprobe counts.
#include "e2e.h"

#include <cinttypes>

static const std::string src = BPFTIME_TEST_DIR "/e2e/", hook = BPFTIME_E2E_HOOK;

struct Program {
	const char *name, *build;	// %o is the output, %s the folder of the sources
	const char *needs;		// a tool, or NULL
};
static void PrintTo(const Program &p, std::ostream *o) { *o << p.name; }

static const Program programs[] = {
	{ "pie", "gcc -O2 -fPIE -pie %s/calls.c -o %o", nullptr },
	{ "pie_O0", "gcc -O0 -fPIE -pie %s/calls.c -o %o", nullptr },
	{ "no_pie", "gcc -O2 -fno-pie -no-pie %s/calls.c -o %o", nullptr },
	{ "static", "gcc -O2 -static %s/calls.c -o %o", nullptr },
	{ "static_pie", "gcc -O2 -static-pie %s/calls.c -o %o", nullptr },
	{ "cet", "gcc -O2 -fcf-protection=full %s/calls.c -o %o", nullptr },
	{ "clang", "clang-19 -O2 %s/calls.c -o %o", "clang-19" },
	{ "lld", "clang-19 -O2 -fuse-ld=lld %s/calls.c -o %o", "ld.lld" },
	{ "gold", "gcc -O2 -fuse-ld=gold %s/calls.c -o %o", "ld.gold" },
	{ "noseparate", "gcc -O2 -Wl,-z,noseparate-code %s/calls.c -o %o", nullptr },
	{ "now", "gcc -O2 -Wl,-z,now,-z,relro %s/calls.c -o %o", nullptr },
	{ "musl", "musl-gcc -O2 %s/calls.c -o %o", "musl-gcc" },
	{ "musl_static", "musl-gcc -O2 -static %s/calls.c -o %o", "musl-gcc" },
	{ "cxx", "g++ -O2 %s/throws.cpp -o %o", nullptr },
	{ "cxx_static", "g++ -O2 -static %s/throws.cpp -o %o", nullptr },
	{ "cxx_clang", "clang++-19 -O2 %s/throws.cpp -o %o", "clang++-19" },
};

static std::string build_command(const Program &p, const std::string &out)
{
	std::string cmd = p.build;
	cmd = std::regex_replace(cmd, std::regex("%s"), src);
	return std::regex_replace(cmd, std::regex("%o"), out);
}

struct Programs : testing::TestWithParam<Program> {
	const Program &p = GetParam();
	Scratch tmp;
	const std::string plain = tmp / "plain", patched = tmp / "patched", maps = tmp / "maps";

	void SetUp() override
	{
		if (p.needs && !have(p.needs))
			GTEST_SKIP() << p.needs << " is not installed";
		Output built = shell(build_command(p, plain));
		ASSERT_EQ(built.status, 0) << built.text;
	}
};

TEST_P(Programs, CountsWhatTheKernelCounts)
{
	Output made = shell(bin + "bpftime-patch --binary " + plain + " --uprobe work --uretprobe work " +
			 "--map-dir " + maps + " -o " + patched + " " + hook);
	ASSERT_EQ(made.status, 0) << made.text;
	EXPECT_EQ(shell(patched), shell(plain));

	KernelCount kernel;
	long entries = map_value(maps, "entries"), returns = map_value(maps, "returns");
	EXPECT_GT(entries, 0);
	if (!kernel.reason.empty())
		GTEST_SKIP() << kernel.reason;
	Place at = place_of(plain, "work");
	std::smatch own;	// a program that throws counts its returns itself
	bool throws = std::regex_search(made.text = shell(plain).text, own, std::regex("returned ([0-9]+)"));
	ASSERT_TRUE(at.found && kernel.run(plain, at.foff, plain, !throws));
	EXPECT_EQ(entries, kernel.entries);
	EXPECT_EQ(returns, throws ? atol(own[1].str().c_str()) : kernel.returns);
}

TEST_P(Programs, StrippedWorksByAddress)
{
	Place at = place_of(plain, "work");
	ASSERT_TRUE(at.found);
	ASSERT_EQ(shell("strip " + plain).status, 0);

	std::ostringstream where;
	where << "@0x" << std::hex << at.vaddr;
	Output made = shell(bin + "bpftime-patch --binary " + plain + " --uprobe " + where.str() +
			 " --uretprobe " + where.str() + " --map-dir " + maps + " -o " + patched + " " + hook);
	ASSERT_EQ(made.status, 0) << made.text;
	Output expect = shell(plain);
	EXPECT_EQ(shell(patched), expect);
	const long once = map_value(maps, "entries");
	long runs = 1;
	EXPECT_GT(once, 0);
	for (const char *tool : { "strip", "strip -g", "objcopy", "llvm-strip-19", "llvm-objcopy-19" }) {
		if (!have(tool))
			continue;
		std::string again = tmp / "again";
		ASSERT_EQ(shell("cp " + patched + " " + again + " && " + tool + " " + again).status, 0);
		EXPECT_EQ(shell(again), expect) << tool;
		EXPECT_EQ(map_value(maps, "entries"), once * ++runs) << tool;
	}
}

TEST_P(Programs, RevertsBitForBit)
{
	Output made = shell(bin + "bpftime-patch --binary " + plain + " --uprobe work --uretprobe work -o " +
			 patched + " " + hook);
	ASSERT_EQ(made.status, 0) << made.text;
	EXPECT_NE(shell("cmp -s " + plain + " " + patched).status, 0);
	Output audit = shell(bin + "bpftime-patch --audit " + patched + " --against " + plain);
	EXPECT_EQ(audit.status, 0) << audit.text;
	Output back = shell(bin + "bpftime-patch --revert " + patched);
	EXPECT_EQ(back.status, 0) << back.text;
	EXPECT_EQ(shell("cmp " + plain + " " + patched).text, "");
}

INSTANTIATE_TEST_SUITE_P(Kind, Programs, testing::ValuesIn(programs),
			 [](const auto &i) { return std::string(i.param.name); });

// A pattern counts calls: a piece of a function is not called.
TEST(Fragments, AreNoFunctions)
{
	Scratch tmp;
	const std::string plain = tmp / "plain", patched = tmp / "patched", maps = tmp / "maps";
	Output built = shell("gcc -O2 " + src + "fragment.c -o " + plain);
	ASSERT_EQ(built.status, 0) << built.text;
	Place work = place_of(plain, "work"), cold = place_of(plain, "work.cold");
	ASSERT_TRUE(work.found);
	if (!cold.found)
		GTEST_SKIP() << "the compiler kept the function together";
	Output made = shell(bin + "bpftime-patch --binary " + plain + " --uprobe 'work*' --map-dir " + maps + " -o " + patched + " " + hook);
	ASSERT_EQ(made.status, 0) << made.text;
	EXPECT_EQ(shell(patched), shell(plain));
	EXPECT_EQ(map_value(maps, "entries"), 10);

	ASSERT_EQ(shell("strip " + plain).status, 0);
	for (const char *kind : {"uprobe", "uretprobe"}) {
		std::string plan = shell(bin + "bpftime-patch --binary " + plain + " --" + kind + " '*' --plan").text;
		char at[2][32];
		snprintf(at[0], sizeof(at[0]), "0x%" PRIx64 " ", work.vaddr);
		snprintf(at[1], sizeof(at[1]), "0x%" PRIx64 " ", cold.vaddr);
		EXPECT_NE(plan.find(at[0]), plan.npos) << plan;
		EXPECT_EQ(plan.find(at[1]), plan.npos) << plan;
	}
}

TEST(SharedLibrary, EntryAndReturn)
{
	Scratch tmp;
	Output built = shell("cd " + tmp.dir + " && gcc -O2 -fPIC -shared -Wl,-soname,libwork.so " + src +
			  "library.c -o libwork.so && gcc -O2 " + src + "uses_library.c -L. -lwork -o prog");
	ASSERT_EQ(built.status, 0) << built.text;
	const std::string lib = tmp / "libwork.so", maps = tmp / "maps";
	Output expect = shell("LD_LIBRARY_PATH=" + tmp.dir + " " + (tmp / "prog"));
	ASSERT_EQ(expect.status, 0);
	std::filesystem::create_directory(tmp / "new");
	Output made = shell(bin + "bpftime-patch --binary " + lib + " --uprobe work --uretprobe work --map-dir " +
			 maps + " -o " + (tmp / "new/libwork.so") + " " + hook);
	ASSERT_EQ(made.status, 0) << made.text;
	EXPECT_EQ(shell("LD_LIBRARY_PATH=" + (tmp / "new") + " " + (tmp / "prog")), expect);
	EXPECT_EQ(map_value(maps, "entries"), 150);
	EXPECT_EQ(map_value(maps, "returns"), 150);
}

TEST(SharedLibrary, ImportOnlyCountsCallsThroughThePlt)
{
	Scratch tmp;
	Output built = shell("cd " + tmp.dir + " && gcc -O2 -fPIC -shared " + src +
			  "library.c -o libwork.so && gcc -O2 -Wl,-rpath," + tmp.dir + " " + src +
			  "uses_library.c -L. -lwork -o prog");
	ASSERT_EQ(built.status, 0) << built.text;
	const std::string prog = tmp / "prog", patched = tmp / "patched", maps = tmp / "maps";
	Output made = shell(bin + "bpftime-patch --binary " + prog + " --uprobe work --uretprobe work --map-dir " +
			 maps + " -o " + patched + " " + hook);
	ASSERT_EQ(made.status, 0) << made.text;
	EXPECT_EQ(shell(patched), shell(prog));
	EXPECT_EQ(map_value(maps, "entries"), 50);
	EXPECT_EQ(map_value(maps, "returns"), 50);
}
