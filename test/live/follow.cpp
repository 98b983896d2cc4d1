// SPDX-License-Identifier: MIT
// Hooks follow a process into its children, the programs they execute and the libraries they load.
#include "process.h"

namespace {

const char *const python = "/usr/bin/python3";

struct Follow : LiveTest {
	std::string patch = BPFTIME_BIN_DIR "/bpftime-patch ";

	void script(const std::string &name, const std::string &text)
	{
		std::ofstream(d + "/" + name) << text;
	}
};

// The shell has no such function; the program it executes twice has.
TEST_F(Follow, Execs)
{
	std::string odd = std::string(TEST_TARGETS) + "/odd";

	script("s", "echo | " + odd + " a > " + d + "/1\n(echo | exec " + odd + " b) > " + d + "/2\nexit 6\n");
	Output o = shell(patch + "run --follow --uprobe work -- sh " + d + "/s");
	EXPECT_EQ(o.status, 6) << o.text;
	EXPECT_NE(o.text.find("warning: so far: work is defined neither"), o.text.npos) << o.text;
	uint64_t n = 0;
	for (const char *f : {"/1", "/2"})
		n += strtoul(live::read_file(d + f).substr(6).c_str(), nullptr, 10);
	EXPECT_GE(n, 2u);
	EXPECT_EQ(calls(), n);
}

// What is refused in what comes later is said, once; the rest is hooked.
TEST_F(Follow, RefusalsAreSaid)
{
	std::string odd = std::string(TEST_TARGETS) + "/odd";

	script("s", "echo | " + odd + " a > " + d + "/1\necho | " + odd + " b > " + d + "/2\n");
	Output o = shell(patch + "run --follow --uprobe work --uretprobe _start -- sh " + d + "/s");
	EXPECT_EQ(o.status, 0) << o.text;
	size_t at = o.text.find("odd: warning: _start is not hooked: ");
	ASSERT_NE(at, o.text.npos) << o.text;
	EXPECT_EQ(o.text.find("_start is not hooked", at + 40), o.text.npos) << o.text;
	EXPECT_GE(calls(), 2u);
	o = shell(patch + "run --uprobe work --uretprobe _start -- " + odd + " a < /dev/null");
	EXPECT_NE(o.text.find("odd: warning: _start is not hooked: "), o.text.npos) << o.text;
}

// A fork has its parent's hooks with the memory; without --follow they only stay.
TEST_F(Follow, ForksAndLibraries)
{
	if (access(python, X_OK))
		GTEST_SKIP() << "no " << python;
	if (shell(std::string(python) + " -c 'import ctypes; ctypes.CDLL(\"libsqlite3.so.0\")'").status)
		GTEST_SKIP() << "no libsqlite3.so.0";
	script("p", "import ctypes, os, sys, time\n"
		    "time.sleep(0.3)\n"
		    "lib = ctypes.CDLL('libsqlite3.so.0')\n"
		    "time.sleep(1.5)\n"
		    "for i in range(300): lib.sqlite3_libversion_number()\n"
		    "if os.fork() == 0:\n"
		    "    for i in range(20): lib.sqlite3_libversion_number()\n"
		    "    os._exit(0)\n"
		    "os.wait()\n"
		    "sys.exit(8)\n");
	Output o = shell(patch + "run --follow --uprobe sqlite3_libversion_number -- " + python + " -S -E " + d + "/p");
	EXPECT_EQ(o.status, 8) << o.text;
	EXPECT_EQ(calls(), 320u);
}

TEST_F(Follow, UntilInterrupted)
{
	live::Load l(std::string(TEST_TARGETS) + "/pie", d, 3);
	std::string pid = std::to_string(l.pid);

	for (const char *keep : {"", "--keep "}) {
		Output o = shell(patch + "--pid " + pid + " --follow " + keep + "--uprobe work > " + d + "/out & p=$!; "
				 "while ! grep -q patched " + d + "/out; do sleep 0.05; done; sleep 0.2; kill -INT $p; wait $p");
		EXPECT_EQ(o.status, 0) << o.text;
		EXPECT_EQ(l.changed_text(), *keep ? "differs from the file" : "");
		ok("rm " + d + "/out");
	}
	ok(patch + "--pid " + pid + " --detach");
	int status = l.end();
	EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << status;
}

// A storm of processes, each traced from its first instruction on.
TEST_F(Follow, ManyChildren)
{
	Output o = shell(patch + "run --follow --tracepoint syscalls:sys_enter_openat -- sh -c 'for i in $(seq 6); do "
				 "cat /dev/null & done; wait; for i in $(seq 6); do cat /dev/null; done; echo end'");
	// Before it, of some libcs, that a return from a signal handler is not hooked.
	EXPECT_TRUE(o.text == "end\n" || (o.text.size() > 5 && o.text.substr(o.text.size() - 5) == "\nend\n")) << o.text;
	EXPECT_EQ(o.status, 0);
	uint64_t n = 0, one = 0, key;
	std::string maps = ok("for m in $(" BPFTIME_BIN_DIR "/bpftime-ctl maps | awk '/calls/ { print $1 }'); do "
			      BPFTIME_BIN_DIR "/bpftime-ctl dump $m; done");
	std::istringstream lines(maps);
	for (std::string line; std::getline(lines, line);)
		if (sscanf(line.c_str(), "%lu: %lu", &key, &one) == 2)
			n = std::max(n, one);
	EXPECT_EQ(n % 12, 0u) << "not each of the 12 was counted in full\n" << maps;
	EXPECT_GE(n, 12u);
}

}
