// SPDX-License-Identifier: MIT
// A program with a hook that uses everything (guest.bpf.c) notices nothing, wherever it runs.
#include "e2e.h"

namespace {

struct Host : testing::Test {
	static Scratch *tmp;
	static std::string plain;
	std::string patched, maps;

	static void SetUpTestSuite()
	{
		tmp = new Scratch;
		plain = *tmp / "host";
		ASSERT_EQ(shell("gcc -O2 -fno-omit-frame-pointer -mavx " BPFTIME_TEST_DIR "/e2e/host.c -lm -o " + plain).text, "");
	}
	static void TearDownTestSuite() { delete tmp; }
	void SetUp() override
	{
		std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
		patched = *tmp / ("patched-" + name);
		maps = *tmp / ("maps-" + name);
	}
	void patch(const std::string &more = "", const std::string &hook = BPFTIME_E2E_GUEST)
	{
		Output made = shell(bin + "bpftime-patch --binary " + plain + " --map-dir " + maps + " -o " + patched + " " +
				 more + " " + hook);
		ASSERT_EQ(made.status, 0) << made;
	}
	// Prints what it prints without the hook, and the hook has seen every call.
	void same(const std::string &where, long seen, const std::string &wrap = "")
	{
		Output want = shell(wrap + plain + " " + where);
		ASSERT_EQ(want.text, "done\n") << "without a hook";
		EXPECT_EQ(shell(wrap + patched + " " + where), want);
		EXPECT_EQ(map_value(maps, "calls"), seen);
		if (seen > 0) {
			EXPECT_EQ(map_value(maps, "returns"), seen);
		}
	}
};

Scratch *Host::tmp;
std::string Host::plain;

enum { CALLS = 100, NO_MAPS = -1 };

}  // namespace

TEST_F(Host, NoticesNothing)
{
	patch();
	same("unnoticed", CALLS + 50);
}

TEST_F(Host, NoticesNothingOfStrictReads)
{
	patch("--reads strict");
	same("unnoticed", CALLS + 50);
}

TEST_F(Host, Forks)
{
	patch();
	same("fork", 2 * CALLS);
}

TEST_F(Host, Execs)
{
	patch();
	same("exec", 2 * CALLS);
}

TEST_F(Host, GivesUpItsRights)
{
	if (geteuid())
		GTEST_SKIP() << "setuid() needs root";
	patch();
	same("setuid", 2 * CALLS);
}

TEST_F(Host, GivesUpItsFiles)
{
	patch();
	same("closed", CALLS);
	same("no-files", 2 * CALLS);	// the runtime has what it needs before main()
}

TEST_F(Host, LeavesItsRoot)
{
	if (geteuid())
		GTEST_SKIP() << "chroot() needs root";
	patch();
	same("chroot", CALLS);
	same("chroot-later", 3 * CALLS);
}

TEST_F(Host, HasLittleMemory)
{
	patch();
	same("no-memory", CALLS);
	same("no-memory-later", 3 * CALLS);
}

// From the start: no memory to map files into, no descriptor to open one with.
TEST_F(Host, StartsUnderLimits)
{
	patch();
	// (The dynamic linker's message begins with the program's path.)
	auto behind = [](const std::string &s, const std::string &path) {
		return s.rfind(path, 0) ? s : s.substr(path.size());
	};
	Output r = shell("ulimit -n 4; exec " + patched + " plain");
	EXPECT_EQ(behind(r.text, patched), behind(shell("ulimit -n 4; exec " + plain + " plain").text, plain));
	r = shell("ulimit -v 4000; exec " + patched + " plain");
	EXPECT_EQ(r, shell("ulimit -v 4000; exec " + plain + " plain"));
}

TEST_F(Host, HasNoProcAndAFullFilesystem)
{
	if (geteuid())
		GTEST_SKIP() << "mounting needs root";
	patch();
	std::string alone = "unshare -m sh -c 'mount -t tmpfs none /proc && exec ";
	if (shell("unshare -m sh -c 'mount -t tmpfs none /proc'").status)
		GTEST_SKIP() << "no filesystem can be mounted privately here";
	EXPECT_EQ(shell(alone + plain + " plain'").text, "done\n");
	EXPECT_EQ(shell(alone + patched + " plain'").text, "done\n");
	EXPECT_EQ(map_value(maps, "calls"), CALLS);
	// No room for any map: private memory, and nothing dies of SIGBUS.
	std::filesystem::remove_all(maps);
	std::filesystem::create_directory(maps);
	Output r = shell("unshare -m sh -c 'mount -t tmpfs -o size=8k,mode=700 none " + maps + " && exec " + patched +
		      " plain'");
	EXPECT_EQ(r.text, "done\n");
	EXPECT_EQ(map_value(maps, "calls"), (long)NO_MAPS);
}

// What makes no system call runs on; what does (guest.bpf.c) ends the program, as any other would.
TEST_F(Host, IsStrictlyConfined)
{
	patch("--uprobe work --uretprobe work", BPFTIME_E2E_HOOK);
	Output want = shell(plain + " seccomp");
	ASSERT_EQ(want.text, "done\n");
	EXPECT_EQ(shell(patched + " seccomp"), want);
	EXPECT_EQ(map_value(maps, "entries"), 2 * CALLS);
	EXPECT_EQ(map_value(maps, "returns"), 2 * CALLS);
}
