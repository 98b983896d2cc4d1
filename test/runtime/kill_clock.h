// SPDX-License-Identifier: MIT
// How long an operation took, without what its thread waited for a CPU: on a busy machine that is the
// scheduler's time, not the map's.
#ifndef TEST_RUNTIME_KILL_CLOCK_H
#define TEST_RUNTIME_KILL_CLOCK_H

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>

static inline int64_t kill_now_ns()
{
	timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

// The bound that docs/maps.md gives for the wait for a lock is 20 ms; this is that of an operation.
enum : int64_t { KILL_HANG_NS = 100000000 };

class KillClock {
	enum { SLOW_NS = 20000000, EVERY = 256 };
	int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	int64_t delay = waited(), began = 0;
	uint32_t n = 0;

	int64_t waited() const	// ns on a run queue, so far
	{
		char text[96] = "";
		long long ran = 0, late = 0;
		if (fd >= 0 && pread(fd, text, sizeof(text) - 1, 0) > 0)
			sscanf(text, "%lld %lld", &ran, &late);
		return late;
	}

public:
	~KillClock()
	{
		if (fd >= 0)
			close(fd);
	}
	void start()
	{
		if (n++ % EVERY == 0)
			delay = waited();
		began = kill_now_ns();
	}
	int64_t stop()
	{
		int64_t took = kill_now_ns() - began;
		if (took < SLOW_NS)
			return took;
		int64_t late = waited();
		took -= late - delay;
		delay = late;
		return took > 0 ? took : 0;
	}
};

#endif
