// SPDX-License-Identifier: MIT
// Locks of owners that are stopped, dead, unreaped, of another namespace, or oneself.
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

extern "C" {
#include "lock_c.h"
}

static double ms_of(const std::function<void()> &fn)
{
	auto t = std::chrono::steady_clock::now();
	fn();
	return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - t).count();
}

struct RtLock : testing::Test {
	uint64_t *lock = (uint64_t *)mmap(nullptr, 4096, PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	~RtLock() { munmap(lock, 4096); }

	pid_t child_that_holds(const std::function<void()> &then)
	{
		pid_t pid = fork();
		if (!pid) {
			test_lock(lock);
			then();
			_exit(0);
		}
		while (!__atomic_load_n(lock, __ATOMIC_ACQUIRE))
			usleep(100);
		return pid;
	}
};

TEST_F(RtLock, NamesItsOwner)
{
	ASSERT_EQ(test_lock(lock), 0);
	EXPECT_EQ(*lock & 0x3fffff, (uint64_t)syscall(SYS_gettid));
	EXPECT_NE(*lock >> 42, 0u);	// a start time
	EXPECT_NE(*lock >> 22 & 0xfffff, 0u);	// a namespace
	EXPECT_EQ(test_lock(lock), -EBUSY);	// as from a signal handler: at once
	test_unlock(lock);
	EXPECT_EQ(*lock, 0u);
}

TEST_F(RtLock, OfAReapedProcessIsTakenOver)
{
	pid_t pid = child_that_holds([] {});
	waitpid(pid, nullptr, 0);
	EXPECT_LT(ms_of([&] { EXPECT_EQ(test_lock(lock), 0); }), 100);
}

TEST_F(RtLock, OfAZombieIsTakenOver)
{
	pid_t pid = child_that_holds([] { raise(SIGKILL); });
	siginfo_t si;
	ASSERT_EQ(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
	EXPECT_LT(ms_of([&] { EXPECT_EQ(test_lock(lock), 0); }), 100);
	waitpid(pid, nullptr, 0);
}

TEST_F(RtLock, OfAThreadThatExecEndedIsTakenOver)
{
	pid_t pid = fork();
	if (!pid) {
		std::thread([&] {
			test_lock(lock);
			pause();
		}).detach();
		while (!__atomic_load_n(lock, __ATOMIC_ACQUIRE))
			usleep(100);
		execl("/bin/sleep", "sleep", "20", nullptr);
		_exit(1);
	}
	while (!__atomic_load_n(lock, __ATOMIC_ACQUIRE))
		usleep(100);
	std::string comm, path = "/proc/" + std::to_string(pid) + "/comm";
	while (comm != "sleep" && !waitpid(pid, nullptr, WNOHANG) && std::getline(std::ifstream(path), comm))
		usleep(1000);
	EXPECT_EQ(test_lock(lock), 0);
	kill(pid, SIGKILL);
	waitpid(pid, nullptr, 0);
}

TEST_F(RtLock, OfAStoppedProcessIsWaitedForOnceAndNotTaken)
{
	pid_t pid = child_that_holds([] { raise(SIGSTOP); });
	uint64_t owner = *lock;
	waitpid(pid, nullptr, WUNTRACED);
	double first = ms_of([&] { EXPECT_EQ(test_lock(lock), -EBUSY); });
	EXPECT_GT(first, 15);
	EXPECT_LT(first, 1000);
	double second = ms_of([&] { EXPECT_EQ(test_lock(lock), -EBUSY); });
	EXPECT_LT(second, first / 2);
	EXPECT_EQ(*lock, owner);
	kill(pid, SIGKILL);
	waitpid(pid, nullptr, 0);
	EXPECT_EQ(test_lock(lock), 0);
}

// Its tid is not one of ours, whoever has that number here.
TEST_F(RtLock, OfAnotherNamespaceIsNotTaken)
{
	if (geteuid())
		GTEST_SKIP() << "a pid namespace needs root";
	pid_t pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWPID))
			_exit(1);
		pid_t in = fork();
		if (!in) {
			test_lock(lock);
			_exit(0);
		}
		waitpid(in, nullptr, 0);
		_exit(0);
	}
	int status;
	waitpid(pid, &status, 0);
	ASSERT_EQ(status, 0);
	ASSERT_NE(*lock, 0u);
	EXPECT_EQ(test_lock(lock), -EBUSY);
	// In the namespace itself tid 1 would exist: this process is dead all the same, but a
	// number of another namespace proves nothing here.
	EXPECT_EQ(*lock & 0x3fffff, 1u);
}

// The same tid, but of a process that started at another time.
TEST_F(RtLock, OfARecycledTidIsTakenOver)
{
	ASSERT_EQ(test_lock(lock), 0);
	uint64_t me = *lock;
	pid_t other = fork();
	if (!other) {
		pause();
		_exit(0);
	}
	*lock = (me & ~0x3fffffull & ~(0x3fffffull << 42)) | (uint64_t)other | 1ull << 42;
	EXPECT_EQ(test_lock(lock), 0);
	EXPECT_EQ(*lock, me);
	kill(other, SIGKILL);
	waitpid(other, nullptr, 0);
}

// A thread left the section by siglongjmp and lives on: others wait once, and take over when it ends.
TEST_F(RtLock, LeftByALongjmpIsWaitedForOnceUntilTheThreadEnds)
{
	std::atomic<bool> end{false};
	int again = 0;
	std::thread left([&] {
		test_lock(lock);
		again = test_lock(lock);	// its own next try: at once, never a wait for itself
		while (!end)
			usleep(100);
	});
	while (!__atomic_load_n(lock, __ATOMIC_ACQUIRE))
		usleep(100);
	double first = ms_of([&] { EXPECT_EQ(test_lock(lock), -EBUSY); });
	double second = ms_of([&] { EXPECT_EQ(test_lock(lock), -EBUSY); });
	EXPECT_LT(first, 1000);
	EXPECT_LT(second, first);
	end = true;
	left.join();
	EXPECT_EQ(again, -EBUSY);
	EXPECT_LT(ms_of([&] { EXPECT_EQ(test_lock(lock), 0); }), 1000);
}
