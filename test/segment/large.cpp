// SPDX-License-Identifier: MIT
// Libraries of a hundred megabytes and more: hooked, used, read back, restored.
#include "util.h"

namespace {

using seg::have;

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
	shell("mkdir " + dir + "/l");
	Output want = shell(job), r = shell(patch + "--binary " + path + " --uprobe " + what + " --map-dir $BPFTIME_DIR -o " + lib);
	ASSERT_EQ(r.status, 0) << r.text;
	Output got = shell("LD_LIBRARY_PATH=" + dir + "/l" + job);
	EXPECT_EQ(got.status, 0);
	EXPECT_EQ(got.text, want.text);
	std::string calls = shell(BPFTIME_BIN_DIR "/bpftime-ctl dump calls").text;
	EXPECT_GE(strtoul(calls.c_str() + calls.find(": ") + 2, nullptr, 10), 1u) << calls;
	r = shell(patch + "--revert " + lib + " && cmp " + lib + " " + path);
	EXPECT_EQ(r.status, 0) << r.text;
	unsetenv("BPFTIME_DIR");
}

}
