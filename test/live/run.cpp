// SPDX-License-Identifier: MIT
// A command that is run with hooks does what it does without, and its hooks see all of it; threads
// that are in a system call when its site is patched, or restored, finish it.
#include "process.h"

namespace {

struct Run : LiveTest {
	std::string run = BPFTIME_BIN_DIR "/bpftime-patch run ";

	bool has(const char *command)
	{
		return shell(std::string("command -v ") + command).status == 0;
	}
};

TEST_F(Run, IsTheCommand)
{
	EXPECT_EQ(ok(run + "--uprobe malloc -- ls -l /etc"), ok("ls -l /etc"));
	EXPECT_EQ(ok("echo text | " + run + "--uprobe malloc -- tr e E"), "tExt\n");
	EXPECT_EQ(shell(run + "--uprobe malloc -- sh -c 'exit 9'").status, 9);
	EXPECT_EQ(shell(run + "--uprobe malloc -- sh -c 'kill -TERM $$'; echo $?").text.find("143") == std::string::npos, false);
	// What is sent to the one arrives at the other.
	EXPECT_EQ(ok(run + "--uprobe malloc -- sh -c 'trap \"echo got it; exit\" USR1; echo > " + d +
		     "/up; while :; do sleep 0.05; done' & p=$!; while [ ! -e " + d +
		     "/up ]; do sleep 0.05; done; kill -USR1 $p; wait $p"), "got it\n");
}

TEST_F(Run, IsRefused)
{
	Output o = shell(run + "--uprobe malloc -- /nonexistent");
	EXPECT_EQ(o.status, 3) << o.text;
	EXPECT_NE(o.text.find("error[E001]"), o.text.npos) << o.text;
	for (int i = 0; i < 10; i++) {	// let go of before it is killed, it would often win
		o = shell(run + "--uprobe nosuch -- touch " + d + "/ran");
		EXPECT_EQ(o.status, 1) << o.text;
		EXPECT_NE(o.text.find("error[P200]"), o.text.npos) << o.text;
		ASSERT_NE(access((d + "/ran").c_str(), F_OK), 0) << "it ran without its hooks";
	}
	EXPECT_EQ(shell(run + "--uprobe malloc").status, 2);
	EXPECT_EQ(shell(run + "--list x -- true").status, 2);
}

// Without a place it is followed all the same, and is the command: also one that is done at once.
TEST_F(Run, FollowedWithoutAPlace)
{
	for (int i = 0; i < 10; i++) {
		Output o = shell(run + "--follow --uprobe nosuch -- sh -c 'echo it ran; exit 9'");
		EXPECT_EQ(o.status, 9) << o.text;
		EXPECT_NE(o.text.find("warning: so far: nosuch"), o.text.npos) << o.text;
		EXPECT_NE(o.text.find("it ran\n"), o.text.npos) << o.text;
	}
}

// Of a static program every call; of others all from the program's entry on.
TEST_F(Run, SeesSystemCalls)
{
	if (!has("strace"))
		GTEST_SKIP() << "no strace";
	if (has("busybox")) {
		ok(run + "--tracepoint syscalls:sys_enter_openat -- busybox cat /etc/passwd /etc/group >/dev/null");
		std::string traced = ok("strace -e trace=openat busybox cat /etc/passwd /etc/group 2>&1 >/dev/null | "
					"grep -c ^openat");
		EXPECT_EQ(calls(), strtoul(traced.c_str(), nullptr, 10));
		ok("rm -r $BPFTIME_DIR");
	}
	if (has("/usr/bin/python3")) {
		std::string script = " -- /usr/bin/python3 -S -E -c 'import sys\nfor i in range(int(sys.argv[1])): open(\"/dev/null\")' ";
		ok(run + "--tracepoint syscalls:sys_enter_openat" + script + "0");
		uint64_t base = calls();
		ok(run + "--tracepoint syscalls:sys_enter_openat" + script + "1000");
		EXPECT_EQ(calls() - base, base + 1000);	// both runs are in the map
	}
}

// Calls from all sides: the library's own do not go through the program's import.  (Its constructor starts
// a thread and a child.)
TEST_F(Run, HooksCppNamesWhereTheyAreDefined)
{
	for (const char *name : {"ns::add", "'ns::add(int, int const*)'"}) {
		ok(run + "--uprobe " + name + " -- " TEST_TARGETS "/names");
		EXPECT_EQ(calls(), 3u + 2u) << name;
		ok("rm -r $BPFTIME_DIR");
	}
	ok(run + "--uprobe inner -- " TEST_TARGETS "/names");	// the program does not import it
	EXPECT_EQ(calls(), 2u);
	ok(run + "--follow --uprobe inner -- " TEST_TARGETS "/names");
	EXPECT_EQ(calls(), 4u);
}

// The reader waits in read(2) while its site is patched and restored.
TEST_F(Run, CallsUnderWay)
{
	std::string script = "cd " + d + "; mkfifo f; cat < f > out & p=$!; exec 7> f; patch='" BPFTIME_BIN_DIR
		"/bpftime-patch --pid '$p; ";

	for (const char *point : {"enter", "exit"}) {
		std::string hook = std::string(" --tracepoint syscalls:sys_") + point + "_read >/dev/null; ";
		script += "sleep 0.1; $patch" + hook + "echo a >&7; sleep 0.1; echo b >&7; sleep 0.1; "
			  "kill -STOP $p; kill -CONT $p; echo c >&7; sleep 0.1; $patch --detach >/dev/null; echo d >&7; ";
	}
	script += "exec 7>&-; wait $p; echo $?; cat out";
	EXPECT_EQ(ok(script), "0\na\nb\nc\nd\na\nb\nc\nd\n");
	// The first read of each round began without hooks: nothing of it is seen.  The last began with
	// them: it ends in the trampoline.
	EXPECT_EQ(calls(), 3u + 3u);
}

TEST_F(Run, SleepsAreNotCutShort)
{
	ok("sleep 1.5 & p=$!; t=$(date +%s%N); for i in 1 2 3; do " BPFTIME_BIN_DIR "/bpftime-patch --pid $p "
	   "--tracepoint raw_syscalls:sys_enter; sleep 0.1; " BPFTIME_BIN_DIR "/bpftime-patch --pid $p --detach; done; "
	   "wait $p && [ $(($(date +%s%N) - t)) -gt 1300000000 ]");
}

}
