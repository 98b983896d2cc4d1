// SPDX-License-Identifier: MIT
// One kind of map under SIGKILL: children work on it, some are killed wherever they happen to be.
#ifndef TEST_RUNTIME_KILL_KINDS_H
#define TEST_RUNTIME_KILL_KINDS_H

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>
#include <vector>

#include "kill_clock.h"
#include "map_mem.h"
#include "rt_helpers.h"

// Shared by all children; each writes to its own.
struct KillLog {
	uint64_t begun, done, busy, other;
	int64_t  slowest_ns;
	uint64_t note[8];	// what the subject counts
};

struct KillRun {
	enum { CHILDREN = 4, READERS = 2, ALL = CHILDREN + READERS };
	MapMem map;
	KillLog *log = (KillLog *)mmap(nullptr, sizeof(KillLog) * ALL, PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t kills = 0, killed[ALL] = {};

	explicit KillRun(const bpftime_map &m) : map(m, rt_cpu_possible()) {}
	~KillRun() { munmap(log, sizeof(KillLog) * ALL); }

	// op(run, me, rnd) returns 0 or -errno; it calls _exit() when it finds something wrong.  The readers
	// go through the map meanwhile, and are killed like the others.
	template <typename Op, typename Meanwhile>
	void go(Op op, Meanwhile meanwhile)
	{
		const char *env = getenv("BPFTIME_KILLS");
		uint64_t n = env ? strtoull(env, nullptr, 0) : 60;
		pid_t pid[ALL];
		std::mt19937_64 rnd(7);

		for (uint32_t i = 0; i < ALL; i++)
			pid[i] = start(i, op);
		while (kills < n && !testing::Test::HasFatalFailure()) {
			uint32_t i = rnd() % ALL;
			int64_t until = kill_now_ns() + (int64_t)(300000 + rnd() % 2000000);
			while (kill_now_ns() < until)
				meanwhile(*this);
			end(pid[i]);
			killed[i]++;
			kills++;
			pid[i] = start(i, op);
		}
		usleep(20000);
		for (uint32_t i = 0; i < ALL; i++) {
			end(pid[i]);
			killed[i]++;
		}
		for (uint32_t i = 0; i < ALL; i++) {
			EXPECT_LT(log[i].slowest_ns, KILL_HANG_NS) << "child " << i;
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
		KillClock clock;
		for (;;) {
			clock.start();
			l.begun++;
			__asm__ volatile("" ::: "memory");
			int r = me < CHILDREN ? op(*this, me, rnd) : read();
			__asm__ volatile("" ::: "memory");
			l.done++;
			l.busy += r == -EBUSY;
			l.other += r && r != -EBUSY;
			int64_t ns = clock.stop();
			if (ns > l.slowest_ns)
				l.slowest_ns = ns;
		}
	}
	// As bpftime-ctl does: a key or a few, and their values.
	int read()
	{
		uint8_t key[2][64] = {};
		std::vector<uint8_t> value(rt_map_value_bytes(&map.m, map.cpus) + 8);
		int r = rt_map_next_key(&map.m, map.base, nullptr, key[0]);

		for (int i = 0; !r && i < 8; i++) {
			rt_map_lookup(&map.m, map.base, key[i % 2], value.data(), 0);
			r = rt_map_next_key(&map.m, map.base, key[i % 2], key[(i + 1) % 2]);
		}
		if (map.m.type == MAP_TYPE_queue || map.m.type == MAP_TYPE_stack)
			r = rt_map_lookup(&map.m, map.base, nullptr, value.data(), 0);
		return r;
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
