// SPDX-License-Identifier: MIT
// One operation, run by everything that can run at the same time: threads, signal handlers that interrupt
// them, children, threads that end and start again on the same stacks, many processes.
//
// BPFTIME_STORM: how many times as long (scripts/torture).
#ifndef TEST_RUNTIME_STORM_H
#define TEST_RUNTIME_STORM_H

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <functional>
#include <thread>
#include <vector>

#include "rt_helpers.h"
#include "rt_maps.h"

extern "C" {
#include "lock_c.h"
}

enum Weather { THREADS, SIGNALS, FORKS, SHORT_THREADS, PROCESSES };

static inline const char *weather_name(Weather w)
{
	static const char *const name[] = {"Threads", "Signals", "Forks", "ShortThreads", "Processes"};
	return name[w];
}

class Storm {
public:
	enum { N_THREADS = 64, COUNTS = 8 };
	// op(me, seq): each pair comes once.  It may be interrupted by itself.
	using Op = std::function<void(uint32_t me, uint64_t seq)>;

	struct Counts {		// shared by all processes
		uint64_t calls, busy, wrong_tid, in_handlers, n[COUNTS];
		uint32_t next_id;
	};
	Counts *c = (Counts *)mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
				   -1, 0);

	Storm()
	{
		rt_self_setup();
		test_count_busy(&c->busy);
	}
	~Storm()
	{
		test_count_busy(nullptr);
		munmap(c, sizeof(Counts));
	}
	Storm(const Storm &) = delete;
	Storm &operator=(const Storm &) = delete;

	void count(int which, uint64_t by = 1) { __atomic_fetch_add(&c->n[which], by, __ATOMIC_RELAXED); }

	void run(Weather w, Op what)
	{
		op = std::move(what);
		switch (w) {
		case THREADS: threads(N_THREADS, 1500 * scale()); break;
		case SIGNALS: signals(); break;
		case FORKS: forks(); break;
		case SHORT_THREADS:
			for (uint64_t i = 0; i < 25 * scale(); i++)
				threads(32, 100);
			break;
		case PROCESSES: processes(std::min<uint64_t>(100 * scale(), 1000)); break;
		}
		EXPECT_EQ(c->wrong_tid, 0u);
	}

private:
	Op op;

	static uint64_t scale()
	{
		const char *n = getenv("BPFTIME_STORM");
		return n && atoi(n) > 0 ? (uint64_t)atoi(n) : 1;
	}
	void once(uint32_t me, uint64_t seq)
	{
		if (seq % 16 == 0 && bpftime_h_get_current_pid_tgid() !=
				     ((uint64_t)syscall(SYS_getpid) << 32 | (uint64_t)syscall(SYS_gettid)))
			__atomic_fetch_add(&c->wrong_tid, 1, __ATOMIC_RELAXED);
		__atomic_fetch_add(&c->calls, 1, __ATOMIC_RELAXED);
		op(me, seq);
	}
	uint32_t new_id() { return __atomic_fetch_add(&c->next_id, 1, __ATOMIC_RELAXED); }
	void some(uint64_t ops)
	{
		uint32_t me = new_id();
		for (uint64_t seq = 0; seq < ops; seq++)
			once(me, seq);
	}
	void threads(unsigned n, uint64_t ops)
	{
		std::vector<std::thread> t;
		for (unsigned i = 0; i < n; i++)
			t.emplace_back([this, ops] { some(ops); });
		for (auto &x : t)
			x.join();
	}

	// The handler runs the operation, on whatever thread the signal finds, in the middle of its own.
	static Storm *&in_handler()
	{
		static Storm *s;
		return s;
	}
	static void handler(int)
	{
		Storm *s = in_handler();
		int saved = errno;
		__atomic_fetch_add(&s->c->in_handlers, 1, __ATOMIC_RELAXED);
		s->once(s->new_id(), 0);
		errno = saved;
	}
	void signals()
	{
		enum { WORKERS = 8 };
		struct sigaction sa = {}, was[2];
		const itimerval often = {{0, 300}, {0, 300}}, never = {};
		std::vector<std::thread> t;
		std::atomic<bool> end{false};

		in_handler() = this;
		sa.sa_handler = handler;
		sa.sa_flags = SA_RESTART | SA_NODEFER;	// handlers interrupt handlers, too
		sigaction(SIGALRM, &sa, &was[0]);
		sigaction(SIGUSR1, &sa, &was[1]);
		for (int i = 0; i < WORKERS; i++)
			t.emplace_back([&] {
				uint32_t me = new_id();
				for (uint64_t seq = 0; !end; seq++)
					once(me, seq);
			});
		setitimer(ITIMER_REAL, &often, nullptr);
		for (unsigned i = 0; i < 400 * scale(); i++) {
			pthread_kill(t[i % WORKERS].native_handle(), SIGUSR1);
			usleep(20);
		}
		end = true;
		for (auto &x : t)
			x.join();
		setitimer(ITIMER_REAL, &never, nullptr);
		sigaction(SIGALRM, &was[0], nullptr);
		sigaction(SIGUSR1, &was[1], nullptr);
		EXPECT_GE(c->in_handlers, 100u);
	}
	static void reap(pid_t pid)
	{
		int status = -1;
		waitpid(pid, &status, 0);
		EXPECT_EQ(status, 0);
	}
	// Children of a process whose threads are in the middle of something.
	void forks()
	{
		std::thread others([this] { threads(16, 3000 * scale()); });
		for (uint64_t i = 0; i < 25 * scale(); i++) {
			pid_t pid = fork();
			if (!pid) {
				some(500);
				_exit(0);
			}
			reap(pid);
		}
		others.join();
	}
	void processes(uint64_t n)
	{
		enum { AT_ONCE = 50 };
		for (uint64_t begun = 0; begun < n;) {
			std::vector<pid_t> pid;
			for (; pid.size() < AT_ONCE && begun < n; begun++) {
				pid.push_back(fork());
				if (!pid.back()) {
					some(500);
					_exit(0);
				}
			}
			for (pid_t p : pid)
				reap(p);
		}
	}
};

#endif
