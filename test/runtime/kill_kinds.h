// SPDX-License-Identifier: MIT
// One kind of map under SIGKILL: children work on it, some are killed wherever they happen to be.
#ifndef TEST_RUNTIME_KILL_KINDS_H
#define TEST_RUNTIME_KILL_KINDS_H

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <random>

#include "map_mem.h"
#include "rt_helpers.h"

// Shared by all children; each writes to its own.
struct KillLog {
	uint64_t begun, done, busy, other;
	int64_t  slowest_ns;
	uint64_t note[8];	// what the subject counts
};

static inline int64_t kill_now_ns()
{
	timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

struct KillRun {
	enum { CHILDREN = 4 };
	MapMem map;
	KillLog *log = (KillLog *)mmap(nullptr, sizeof(KillLog) * CHILDREN, PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t kills = 0, killed[CHILDREN] = {};

	explicit KillRun(const bpftime_map &m) : map(m, rt_cpu_possible()) {}
	~KillRun() { munmap(log, sizeof(KillLog) * CHILDREN); }

	// op(run, me, rnd) returns 0 or -errno; it calls _exit() when it finds something wrong.
	template <typename Op, typename Meanwhile>
	void go(Op op, Meanwhile meanwhile)
	{
		const char *env = getenv("BPFTIME_KILLS");
		uint64_t n = env ? strtoull(env, nullptr, 0) / 4 : 60;
		pid_t pid[CHILDREN];
		std::mt19937_64 rnd(7);

		for (uint32_t i = 0; i < CHILDREN; i++)
			pid[i] = start(i, op);
		while (kills < n && !testing::Test::HasFatalFailure()) {
			uint32_t i = rnd() % CHILDREN;
			int64_t until = kill_now_ns() + (int64_t)(300000 + rnd() % 2000000);
			while (kill_now_ns() < until)
				meanwhile(*this);
			end(pid[i]);
			killed[i]++;
			kills++;
			pid[i] = start(i, op);
		}
		usleep(20000);
		for (uint32_t i = 0; i < CHILDREN; i++) {
			end(pid[i]);
			killed[i]++;
		}
		for (uint32_t i = 0; i < CHILDREN; i++) {
			EXPECT_LT(log[i].slowest_ns, 1000000000) << "child " << i;
			EXPECT_GT(log[i].done, 0u);
		}
	}
	uint64_t sum(uint64_t KillLog::*field) const
	{
		uint64_t n = 0;
		for (int i = 0; i < CHILDREN; i++)
			n += log[i].*field;
		return n;
	}
	uint64_t sum_note(int k) const
	{
		uint64_t n = 0;
		for (int i = 0; i < CHILDREN; i++)
			n += log[i].note[k];
		return n;
	}

private:
	template <typename Op> pid_t start(uint32_t me, Op op)
	{
		pid_t pid = fork();
		if (pid)
			return pid;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		rt_self_setup();
		std::mt19937_64 rnd(kill_now_ns());
		KillLog &l = log[me];
		for (;;) {
			int64_t began = kill_now_ns();
			l.begun++;
			__asm__ volatile("" ::: "memory");
			int r = op(*this, me, rnd);
			__asm__ volatile("" ::: "memory");
			l.done++;
			l.busy += r == -EBUSY;
			l.other += r && r != -EBUSY;
			int64_t ns = kill_now_ns() - began;
			if (ns > l.slowest_ns)
				l.slowest_ns = ns;
		}
	}
	static void end(pid_t pid)
	{
		int status;
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
			<< "a child ended with " << WEXITSTATUS(status);
	}
};

#endif
