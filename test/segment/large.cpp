// SPDX-License-Identifier: MIT
// Libraries of a hundred megabytes and more: hooked, used, read back, restored.
#include "util.h"

namespace {

using seg::have;
using seg::run;

struct Large : seg::Test {};

TEST_F(Large, Library)
{
	const std::string path = "/usr/lib/x86_64-linux-gnu/libLLVM.so.19.1", patch = BPFTIME_BIN_DIR "/bpftime-patch ",
			  lib = dir + "/l/libLLVM.so.19.1",
			  job = " sh -c 'echo \"define i32 @f() { ret i32 7 }\" | llc-19 -o -'";
	// BPFTIME_LARGE: all functions instead of one.
	const char *what = getenv("BPFTIME_LARGE") ? "'*'" : "_ZN4llvm11LLVMContextC1Ev";

	if (access(path.c_str(), R_OK) || !have("llc-19"))
		GTEST_SKIP() << path << " and llc-19 are not here";
	setenv("BPFTIME_DIR", (dir + "/maps").c_str(), 1);
	run("mkdir " + dir + "/l");
	seg::Run want = run(job), r = run(patch + "--binary " + path + " --uprobe " + what + " --map-dir $BPFTIME_DIR -o " + lib);
	ASSERT_EQ(r.exit, 0) << r.out;
	seg::Run got = run("LD_LIBRARY_PATH=" + dir + "/l" + job);
	EXPECT_EQ(got.exit, 0);
	EXPECT_EQ(got.out, want.out);
	std::string calls = run(BPFTIME_BIN_DIR "/bpftime-ctl dump calls").out;
	EXPECT_GE(strtoul(calls.c_str() + calls.find(": ") + 2, nullptr, 10), 1u) << calls;
	r = run(patch + "--revert " + lib + " && cmp " + lib + " " + path);
	EXPECT_EQ(r.exit, 0) << r.out;
	unsetenv("BPFTIME_DIR");
}

}
