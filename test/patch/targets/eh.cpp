// SPDX-License-Identifier: MIT
// C++ exceptions through functions that carry return hooks.  Prints what happened, then how
// often hooked_* were entered and returned.
#include <cstdio>
#include <cstdlib>
#include <cxxabi.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <stdexcept>
#include <string>

static unsigned long entries, returns;

struct Trace {
	const char *what;
	~Trace() { printf("~%s\n", what); }
};

#define HOOKED extern "C" __attribute__((noinline, visibility("default")))

HOOKED int hooked_throw(int n)
{
	entries++;
	if (n == 0)
		throw std::runtime_error("zero");
	if (n < 0)
		throw n;
	returns++;
	return n;
}

// Passes an exception on, with something to clean up.
HOOKED int hooked_pass(int n)
{
	Trace t{"pass"};

	entries++;
	int r = hooked_throw(n) + 1;
	returns++;
	return r;
}

// Catches what its callee throws, and returns.
HOOKED int hooked_catch(int n)
{
	entries++;
	try {
		int r = hooked_pass(n);
		returns++;
		return r;
	} catch (const std::exception &e) {
		printf("caught %s\n", e.what());
	} catch (int i) {
		printf("caught %d\n", i);
	}
	returns++;
	return -1;
}

HOOKED int hooked_rethrow(int n)
{
	entries++;
	try {
		int r = hooked_throw(n);
		returns++;
		return r;
	} catch (int) {
		Trace t{"rethrow"};
		throw;
	} catch (...) {
		throw std::string("another");
	}
}

// Each level has its own frame at which nothing is caught until the outermost.
HOOKED int hooked_deep(int depth, int n)
{
	Trace t{"deep"};

	entries++;
	int r = depth ? hooked_deep(depth - 1, n) + 1 : hooked_throw(n);
	returns++;
	return r;
}

// A tail call out of a hooked function into another one.
HOOKED int hooked_tail(int n)
{
	entries++;
	returns += n > 0;
	return hooked_throw(n);
}

// Stack arguments have to stay where they are.
HOOKED long hooked_many(long a, long b, long c, long d, long e, long f, long g, long h, int n)
{
	Trace t{"many"};

	entries++;
	long r = a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + hooked_throw(n);
	returns++;
	return r;
}

HOOKED void hooked_backtrace(void)
{
	void *pc[64];
	int n = backtrace(pc, 64);

	entries++;
	for (int i = 0; i < n; i++) {
		Dl_info d;
		if (dladdr(pc[i], &d) && d.dli_sname && !std::string(d.dli_sname).compare(0, 6, "hooked"))
			printf("frame %s\n", d.dli_sname);
		else if (dladdr(pc[i], &d) && d.dli_sname && std::string(d.dli_sname) == "main")
			printf("frame main\n");
	}
	returns++;
}

HOOKED void hooked_outer(void)
{
	entries++;
	hooked_backtrace();
	returns++;
}

struct Thrower {
	int n;
	~Thrower() noexcept(false)
	{
		if (!std::uncaught_exceptions())
			hooked_throw(n);
	}
};

template <class F> static void try_it(const char *name, F f)
{
	try {
		printf("%s: %ld\n", name, (long)f());
	} catch (const std::exception &e) {
		printf("%s threw %s\n", name, e.what());
	} catch (const std::string &s) {
		printf("%s threw string %s\n", name, s.c_str());
	} catch (int i) {
		printf("%s threw %d\n", name, i);
	}
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 1;

	for (int i = 0; i < rounds; i++) {
		for (int n : {0, -5, 7}) {
			// Caught by the direct caller: the frame to stop at is the very next.
			try {
				printf("direct: %d\n", hooked_throw(n));
			} catch (const std::exception &e) {
				printf("direct threw %s\n", e.what());
			} catch (int k) {
				printf("direct threw %d\n", k);
			}
			try_it("throw", [=] { return hooked_throw(n); });
			try_it("pass", [=] { return hooked_pass(n); });
			try_it("catch", [=] { return hooked_catch(n); });
			try_it("rethrow", [=] { return hooked_rethrow(n); });
			try_it("deep", [=] { return hooked_deep(20, n); });
			try_it("tail", [=] { return hooked_tail(n); });
			try_it("many", [=] { return hooked_many(1, 2, 3, 4, 5, 6, 7, 8, n); });
			try_it("dtor", [=] { Thrower t{n}; return n; });
		}
		hooked_outer();
	}
	printf("entries %lu\nreturns %lu\n", entries, returns);
}
