// SPDX-License-Identifier: MIT
// Who is running, after everything that changes it; and without a system call each time.
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

#include "rt_helpers.h"
#include "rt_maps.h"

static uint64_t truth()
{
	return (uint64_t)syscall(SYS_getpid) << 32 | (uint64_t)syscall(SYS_gettid);
}

static int right()
{
	for (int i = 0; i < 3; i++)
		if (bpftime_h_get_current_pid_tgid() != truth())
			return 1;
	return 0;
}

static int in_child(const std::function<int()> &fn)
{
	int status;
	pid_t pid = fork();
	if (!pid)
		_exit(fn());
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// From here on gettid() and getpid() kill.
static void forbid_asking()
{
	sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_gettid, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	sock_fprog prog = {sizeof(f) / sizeof(f[0]), f};
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		_exit(99);
}

TEST(RtSelf, IsRememberedWithoutSystemCalls)
{
	EXPECT_EQ(in_child([] {
		rt_self_setup();
		uint64_t want = truth();
		if (right())
			return 1;
		forbid_asking();
		return bpftime_h_get_current_pid_tgid() == want ? 0 : 2;
	}), 0);
}

TEST(RtSelf, IsRightInThreadsOnReusedStacks)
{
	EXPECT_EQ(in_child([] {
		int bad = 0;
		rt_self_setup();
		for (int round = 0; round < 200; round++) {
			std::vector<std::thread> t;
			std::atomic<int> wrong{0};
			for (int i = 0; i < 4; i++)
				t.emplace_back([&] { wrong += right(); });
			for (auto &x : t)
				x.join();
			bad += wrong;
		}
		return bad + right();
	}), 0);
}

TEST(RtSelf, IsRightInChildrenOfFork)
{
	EXPECT_EQ(in_child([] {
		rt_self_setup();
		int bad = right();
		bad += in_child([] { return right() + in_child(right); });
		std::thread([&] { bad += in_child(right) + right(); }).join();
		return bad + right();
	}), 0);
}

// A child that libc does not know of: the thread control block holds its parent's tid.
TEST(RtSelf, IsRightInAChildOfTheRawSystemCall)
{
	EXPECT_EQ(in_child([] {
		rt_self_setup();
		if (right())
			return 1;
		pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
		if (!pid)
			syscall(SYS_exit_group, right());
		int status = 0;
		syscall(SYS_wait4, pid, &status, 0, 0);
		return WEXITSTATUS(status) + right();
	}), 0);
}

TEST(RtSelf, IsRightAfterANewPidNamespace)
{
	if (geteuid())
		GTEST_SKIP() << "a pid namespace needs root";
	EXPECT_EQ(in_child([] {
		rt_self_setup();
		if (right() || unshare(CLONE_NEWPID))
			return 1;
		return in_child([] { return right() + (bpftime_h_get_current_pid_tgid() != (1ull << 32 | 1)); });
	}), 0);
}

TEST(RtSelf, WithoutSetUpItAsks)
{
	EXPECT_EQ(in_child([] { return right() + in_child(right); }), 0);
}
