// SPDX-License-Identifier: MIT
// Exceptions pass a function all the time, in two threads, until standard input ends: then it says
// how many there were, and whether every destructor has run.
#include <poll.h>
#include <stdio.h>

#include <atomic>
#include <stdexcept>
#include <thread>

static std::atomic<long> calls, caught, destroyed, returned;

struct Guard {
	~Guard() { destroyed++; }
};

static long (*volatile inner)(long);

extern "C" __attribute__((noinline)) long work(long n)
{
	Guard g;

	calls++;
	return inner(n) + 1;
}

extern "C" __attribute__((noinline)) long outer(long n)
{
	long r = work(n);

	returned++;
	return r;
}

static long thrower(long n)
{
	if (n % 2)
		throw std::runtime_error("odd");
	return n;
}

static bool once(long n)
{
	try {
		return outer(n) == n + 1;
	} catch (const std::runtime_error &) {
		caught++;
		return n % 2;
	}
}

int main()
{
	struct pollfd in = { 0, POLLIN, 0 };
	std::atomic<bool> end(false);
	bool ok = true;

	inner = thrower;
	puts("ready");
	fflush(stdout);
	std::thread t([&] {
		for (long i = 0; !end; i++)
			ok &= once(i);
	});
	for (long i = 0; !poll(&in, 1, i % 100 ? 0 : 1); i++)
		ok &= once(i);
	end = true;
	t.join();
	printf("%ld %ld\n", calls.load(), caught.load());
	return !(ok && destroyed == calls && caught > 0 && caught + returned == calls);
}
