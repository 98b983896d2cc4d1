// SPDX-License-Identifier: MIT
// samples/error-inject and samples/hotpatch do what their READMEs say.
#include "../tools.h"

namespace {

struct DecideSamples : ToolTest {
	std::string compile(const std::string &name)
	{
		tool("bpftime-aot compile " SAMPLES_DIR "/" + name + ".bpf.o -o " + d + "/" + name + ".hook.o");
		return d + "/" + name + ".hook.o";
	}
};

// SQLite is told that the disk does not take its data, and says so; untold, it goes on.
TEST_F(DecideSamples, SqliteMeetsADiskError)
{
	if (shell("command -v sqlite3").status)
		GTEST_SKIP() << "there is no sqlite3";
	const std::string set = "bpftime-ctl set -- error-inject/.data 0 ",
		sql = "cd " + d + " && LD_LIBRARY_PATH=lib sqlite3 test.db 'create table t(a)'";
	ok("mkdir " + d + "/lib");
	tool("bpftime-patch --binary libsqlite3.so.0 --uprobe fdatasync " + compile("error-inject") + " --map-dir " + d +
	     "/maps -o " + d + "/lib/libsqlite3.so.0");
	Output o = shell(sql);
	EXPECT_NE(o.status, 0);
	EXPECT_NE(o.text.find("disk I/O error"), std::string::npos) << o.text;
	EXPECT_EQ(tool("bpftime-ctl dump error-inject/.bss"), "0: {.calls = 1, .failed = 1}\n");
	tool(set + "2 -1");
	EXPECT_NE(shell(sql).status, 0);
	EXPECT_EQ(tool("bpftime-ctl dump error-inject/.bss"), "0: {.calls = 2, .failed = 2}\n");
	tool(set + "1 -1");
	tool("bpftime-ctl disable $(" BPFTIME_BIN_DIR "/bpftime-ctl hooks | awk '/fdatasync/ {print $1}')");
	ok(sql);
	EXPECT_EQ(ok("sqlite3 " + d + "/test.db .tables"), "t\n");
	EXPECT_EQ(tool("bpftime-ctl dump error-inject/.bss"), "0: {.calls = 2, .failed = 2}\n");
}

TEST_F(DecideSamples, ABankIsMended)
{
	std::string bank = d + "/bank", hook = compile("hotpatch");
	ok("gcc -O1 -o " + bank + " " BPFTIME_SOURCE_DIR "/samples/hotpatch/bank.c");
	tool("bpftime-patch --binary " + bank + " " + hook + " -o " + bank + ".patched");
	EXPECT_EQ(ok("printf '0 -50\\n' | " + bank), "Ada has 150\n");
	EXPECT_NE(shell("echo 3000000 1 | " + bank).status, 0);
	EXPECT_EQ(ok("printf '0 -50\\n3000000 1\\n1 20\\n' | " + bank + ".patched"),
		  "Ada has 100\nno such account\nGrace has 180\n");
}

// Off and on while it runs; and a process that was started without hooks.
TEST_F(DecideSamples, ABankIsMendedWhileItRuns)
{
	std::string bank = d + "/bank", hook = compile("hotpatch"), ctl = BPFTIME_BIN_DIR "/bpftime-ctl ";
	ok("gcc -O1 -o " + bank + " " BPFTIME_SOURCE_DIR "/samples/hotpatch/bank.c");
	tool("bpftime-patch --binary " + bank + " " + hook + " -o " + bank + ".patched");
	const std::string say = "say() { echo $1 $2 >&${P[1]}; read -r v <&${P[0]}; echo \"$v\"; }\n";
	EXPECT_EQ(ok("cat > " + d + "/s <<'EOF'\ncoproc P { exec " + bank + ".patched; }\n" + say + "say 0 -50\n"
		     "id=$(" + ctl + "hooks | awk '/withdraw/ {print $1}')\n" + ctl + "disable $id >/dev/null\n"
		     "say 0 -50\n" + ctl + "enable $id >/dev/null\nsay 0 -50\nEOF\nbash " + d + "/s"),
		  "Ada has 100\nAda has 150\nAda has 150\n");
	if (geteuid())
		GTEST_SKIP() << "attaching to a process needs root where ptrace is restricted";
	EXPECT_EQ(ok("cat > " + d + "/s <<'EOF'\ncoproc P { exec " + bank + "; }\n" + say + "say 0 -50\n" BPFTIME_BIN_DIR
		     "/bpftime-patch --pid $P_PID " + hook + " >/dev/null\nsay 0 -50\nsay 3000000 1\n" BPFTIME_BIN_DIR
		     "/bpftime-patch --pid $P_PID --detach >/dev/null\nsay 0 -50\nEOF\nbash " + d + "/s"),
		  "Ada has 150\nAda has 150\nno such account\nAda has 200\n");
}

}
