// SPDX-License-Identifier: MIT
// What importer.cpp imports.
#include <cstdarg>
#include <stdexcept>

#define EXPORT extern "C" __attribute__((visibility("default"), noinline))

EXPORT long lib_add(long a, long b) { return a + b; }
EXPORT long lib_many(long a, long b, long c, long d, long e, long f, long g, long h)
{
	return a - b + c - d + e - f + g * h;
}
EXPORT long plain() { return 3; }
EXPORT double lib_sum(int n, ...)
{
	double r = 0;
	va_list ap;

	va_start(ap, n);
	while (n--)
		r += va_arg(ap, double);
	va_end(ap);
	return r;
}
EXPORT long lib_throw(long n)
{
	if (n > 2)
		throw std::runtime_error("from the library");
	return n;
}
EXPORT long lib_callback(long (*f)(long), long n) { return f(n) + 1; }

// The library calls its own functions through its PLT as well.
EXPORT long lib_twice(long n) { return lib_add(n, n) + lib_add(n, 1); }

// Picked at load time.
static long fast(long n) { return n + 100; }
extern "C" long (*resolve_pick(void))(long) { return fast; }
EXPORT long lib_pick(long) __attribute__((ifunc("resolve_pick")));
