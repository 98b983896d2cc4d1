// SPDX-License-Identifier: MIT
// A patcher that is killed at any moment leaves a program that works, and hooks that can be taken out.
#include "process.h"

#include <random>

namespace {

struct Killed : ToolTest, testing::WithParamInterface<const char *> {};

// BPFTIME_PATCHER_KILLS: how often.  Only when asked for (scripts/torture): a target whose patcher dies in
// the middle of an attach sometimes ends by SIGTRAP or SIGILL, or keeps a site that nobody takes back;
// docs/live.md says so.
TEST_P(Killed, AtAnyMoment)
{
	const char *env = getenv("BPFTIME_PATCHER_KILLS");
	int times = env ? atoi(env) : 40, killed = 0;
	std::string target = std::string(TEST_TARGETS) + "/" + GetParam();
	std::mt19937 random(times);

	if (!env)
		GTEST_SKIP() << "BPFTIME_PATCHER_KILLS is not set";
	if (std::string why = live::no_ptrace(); !why.empty())
		GTEST_SKIP() << why;
	if (access(target.c_str(), X_OK))
		GTEST_SKIP() << "there is no musl-gcc";
	live::Load l(target, d, 3);
	unsigned mappings = l.mappings();
	std::string pid = std::to_string(l.pid), patch = BPFTIME_BIN_DIR "/bpftime-patch";
	unsigned longest = 20000;	// microseconds that the patcher took so far

	for (int i = 0; i < times; i++) {
		timespec from, to;
		clock_gettime(CLOCK_MONOTONIC, &from);
		pid_t p = fork();
		if (!p) {
			int null = open("/dev/null", O_WRONLY);
			dup2(null, 1);
			dup2(null, 2);
			if (i % 3 == 2)
				execl(patch.c_str(), "bpftime-patch", "--pid", pid.c_str(), "--detach", nullptr);
			execl(patch.c_str(), "bpftime-patch", "--pid", pid.c_str(), "--uprobe", "work", "--uretprobe",
			      "more_work", nullptr);
			_exit(127);
		}
		int status = 0;
		if (i >= 3) {	// the first three run to their end: that is how long it takes
			usleep(random() % longest);
			kill(p, SIGKILL);
		}
		waitpid(p, &status, 0);
		killed += WIFSIGNALED(status);
		clock_gettime(CLOCK_MONOTONIC, &to);
		unsigned took = (unsigned)((to.tv_sec - from.tv_sec) * 1000000 + (to.tv_nsec - from.tv_nsec) / 1000);
		if (i < 3)
			longest = std::max(longest, took);
		ASSERT_EQ(kill(l.pid, 0), 0);
		ASSERT_EQ(waitpid(l.pid, &status, WNOHANG), 0) << "it has ended: " << status;
	}
	EXPECT_GT(killed, times / 4);
	l.order(LOAD_REST);
	Output last = shell(patch + " --pid " + pid + " --detach");	// there may be nothing to take out
	EXPECT_EQ(l.changed_text(), "") << last.text;
	EXPECT_LE(l.mappings(), mappings + 4);
	l.order(LOAD_RUN);
	int status = l.end();
	EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << status;
}

INSTANTIATE_TEST_SUITE_P(Kinds, Killed, testing::Values("pie", "static", "musl"));

}
