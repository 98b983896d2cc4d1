// SPDX-License-Identifier: MIT
// A patcher that is killed at any moment leaves a program that works, and hooks that can be taken out.
#include "process.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/user.h>

#include <random>

namespace {

struct Killed : LiveTest, testing::WithParamInterface<const char *> {
	const std::string target = std::string(TEST_TARGETS) + "/" + GetParam(), patch = BPFTIME_BIN_DIR "/bpftime-patch";

	void SetUp() override
	{
		LiveTest::SetUp();
		if (access(target.c_str(), X_OK))
			GTEST_SKIP() << "there is no musl-gcc";
	}
};

// Runs the patcher up to the call number `step` of those that change another process; there it gets SIGKILL.
// false: it ended before.
bool killed_at(const std::vector<std::string> &args, unsigned step, int end = 0)
{
	std::vector<char *> argv;
	int status;
	pid_t p;

	for (const std::string &a : args)
		argv.push_back(const_cast<char *>(a.c_str()));
	argv.push_back(nullptr);
	p = fork();
	if (!p) {
		int null = open("/dev/null", O_WRONLY);
		dup2(null, 1);
		dup2(null, 2);
		raise(SIGSTOP);
		execv(argv[0], argv.data());
		_exit(127);
	}
	waitpid(p, &status, WUNTRACED);
	EXPECT_EQ(ptrace(PTRACE_SEIZE, p, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL), 0);
	kill(p, SIGCONT);
	for (bool entry = true; waitpid(p, &status, __WALL) == p && WIFSTOPPED(status);) {
		bool call = WSTOPSIG(status) == (SIGTRAP | 0x80);
		user_regs_struct u;

		if (call && entry && !ptrace(PTRACE_GETREGS, p, nullptr, &u) &&
		    (u.orig_rax == SYS_ptrace || u.orig_rax == SYS_pwrite64) && step-- == 0) {
			kill(p, SIGKILL);
			waitpid(p, &status, __WALL);
			return true;
		}
		entry ^= call;
		ptrace(PTRACE_SYSCALL, p, nullptr, call || status >> 16 ? 0 : WSTOPSIG(status));
	}
	EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == end) << status;
	return false;
}

// BPFTIME_PATCHER_KILLS: at every step, else at each 7th.
TEST_P(Killed, AtEachStep)
{
	unsigned stride = getenv("BPFTIME_PATCHER_KILLS") ? 1 : 7, steps = 0;

	live::Load l(target, d, 3);
	unsigned mappings = l.mappings();
	std::string pid = std::to_string(l.pid);
	std::vector<std::string> attach = { patch, "--pid", pid, "--uprobe", "work", "--uretprobe", "more_work" };
	std::vector<std::string> detach = { patch, "--pid", pid, "--detach" };

	for (bool out : { false, true })
		for (unsigned step = out ? 3 : 0, more = 1; more; step += stride, steps++) {
			std::string what = (out ? "detaching, step " : "attaching, step ") + std::to_string(step);
			int status = 0;

			if (out)
				ok(patch + " --pid " + pid + " --uprobe work --uretprobe more_work");
			more = killed_at(out ? detach : attach, step);
			for (unsigned kind : { LOAD_EXACT, LOAD_REST }) {
				l.order(kind);
				ASSERT_EQ(waitpid(l.pid, &status, WNOHANG), 0) << what << ": it has ended: " << status;
			}
			// What was mapped last may have no head yet; what a thread may be inside goes later.
			Output last = shell(patch + " --pid " + pid + " --detach");
			for (int i = 0; i < 20 && last.text.find("kept") != last.text.npos; i++)
				last = shell(patch + " --pid " + pid + " --detach");
			ASSERT_EQ(l.changed_text(), "") << what << "\n" << last.text;
			ASSERT_LE(l.mappings(), mappings + 1) << what << "\n" << last.text;
			mappings = std::max(mappings, l.mappings());
			l.order(LOAD_RUN);
		}
	EXPECT_GT(steps, 2 * 30 / stride);
	int status = l.end();
	EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << status;
}

// BPFTIME_PATCHER_KILLS: how often.
TEST_P(Killed, AtAnyMoment)
{
	const char *env = getenv("BPFTIME_PATCHER_KILLS");
	int times = env ? atoi(env) : 20, killed = 0;
	std::mt19937 random(times);

	live::Load l(target, d, 3);
	unsigned mappings = l.mappings();
	std::string pid = std::to_string(l.pid);
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
		if (!WIFSIGNALED(status))
			longest = i ? took : std::max(longest, took);
		ASSERT_EQ(kill(l.pid, 0), 0);
		ASSERT_EQ(waitpid(l.pid, &status, WNOHANG), 0) << "it has ended: " << status;
	}
	EXPECT_GT(killed, 0);
	l.order(LOAD_REST);
	Output last = shell(patch + " --pid " + pid + " --detach");	// there may be nothing to take out
	EXPECT_EQ(l.changed_text(), "") << last.text;
	EXPECT_LE(l.mappings(), mappings + 4);
	l.order(LOAD_RUN);
	int status = l.end();
	EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << status;
}

// The command of `run` then runs without hooks, or was not started.  BPFTIME_PATCHER_KILLS: at every step.
TEST_P(Killed, Running)
{
	std::vector<std::string> run = { patch, "run", "--uprobe", "work", "--uretprobe", "more_work", "--", target };
	unsigned ran = 0, steps = 0, stride = getenv("BPFTIME_PATCHER_KILLS") ? 1 : 4;

	prctl(PR_SET_CHILD_SUBREAPER, 1);	// the command becomes this one's child
	for (unsigned step = 0, more = 1; more; step += stride, steps++) {
		int status = 0, usage = 2;	// load.c's: it was given no arguments

		more = killed_at(run, step, usage);
		while (more && waitpid(-1, &status, __WALL) > 0) {
			ASSERT_TRUE(WIFEXITED(status)) << "step " << step << ": " << status;
			ASSERT_TRUE(WEXITSTATUS(status) == usage || WEXITSTATUS(status) == 127) << "step " << step << ": " << status;
			ran += WEXITSTATUS(status) == usage;
		}
	}
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	EXPECT_GT(steps, 20 / stride);
	EXPECT_GT(ran, steps / 2);
}

INSTANTIATE_TEST_SUITE_P(Kinds, Killed, testing::Values("pie", "static", "musl"));

}
