/* SPDX-License-Identifier: MIT
 *
 * Functions that find something above their return address, up_*, and functions that do not,
 * own_*: which is which shows in what they print when they are called from elsewhere. */
#include <alloca.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FN __attribute__((noinline, noclone))

struct big { long v[6]; };
struct wide { _Alignas(64) long v[8]; };

FN long up_seven(long a, long b, long c, long d, long e, long f, long g)
{
	return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g;
}

FN long up_passes_on(long a, long b, long c, long d, long e, long f, long g)
{
	__asm__ volatile("" ::: "memory");
	return up_seven(b, c, d, e, f, g, a);
}

FN long up_by_value(struct big s)
{
	return s.v[0] * 3 + s.v[5];
}

FN long up_copies(struct big s, struct big *to)
{
	memcpy(to, &s, sizeof(s));
	return to->v[3];
}

FN long up_variadic(int n, ...)
{
	va_list ap;
	long sum = 0;

	va_start(ap, n);
	for (int i = 0; i < n; i++)
		sum = sum * 3 + va_arg(ap, long);
	va_end(ap);
	return sum;
}

FN long up_with_alloca(long a, long b, long c, long d, long e, long f, long g)
{
	long *v = alloca((size_t)(a & 15) * 8 + 8);

	memset(v, 1, (size_t)(a & 15) * 8 + 8);
	__asm__ volatile("" :: "r"(v) : "memory");
	return v[0] + b + c + d + e + f + g;
}

FN long up_aligned(long a, long b, long c, long d, long e, long f, long g)
{
	struct wide w;

	for (int i = 0; i < 8; i++)
		w.v[i] = a * i + g;
	__asm__ volatile("" :: "r"(&w) : "memory");
	return w.v[a & 7] + b + c + d + e + f + (long)((unsigned long)&w & 63);
}

FN long up_float(double a, double b, double c, double d, double e, double f, double g, double h,
		 double i)
{
	return (long)(a + b * 2 + c + d + e + f + g + h + i * 10);
}

FN long up_indexed(long k, long b, long c, long d, long e, long f, struct big s)
{
	return s.v[k % 6] + b + c + d + e + f;
}

FN long own_leaf(long a, long b)
{
	__asm__ volatile("" ::: "memory");
	return a * 3 + b;
}

FN long own_locals(long a)
{
	long v[8];

	for (int i = 0; i < 8; i++)
		v[i] = a + i;
	__asm__ volatile("" :: "r"(v) : "memory");
	return v[a & 7] + own_leaf(v[1], v[2]);
}

FN long own_recurses(long n)
{
	long r = n > 0 ? own_recurses(n - 1) : 0;

	__asm__ volatile("" ::: "memory");
	return r * 2 + own_leaf(n, r);
}

FN struct big own_returns_big(long a)
{
	struct big s;

	for (int i = 0; i < 6; i++)
		s.v[i] = own_leaf(a, i);
	return s;
}

int main(void)
{
	struct big s, to;

	for (long i = 0; i < 10; i++) {
		s = own_returns_big(i);
		printf("%ld %ld %ld %ld %ld %ld\n", up_seven(i, 1, 2, 3, 4, 5, 6),
		       up_passes_on(i, 9, 8, 7, 6, 5, 4), up_by_value(s), up_copies(s, &to),
		       up_variadic(9, 1l, 2l, 3l, 4l, 5l, 6l, 7l, i, 9l),
		       up_with_alloca(i, 2, 3, 4, 5, 6, 7));
		printf("%ld %ld %ld %ld %ld %ld\n", up_aligned(i, 1, 2, 3, 4, 5, 6),
		       up_float(1, 2, 3, 4, 5, 6, 7, 8, (double)i), up_indexed(i, 1, 2, 3, 4, 5, s),
		       own_locals(i), own_recurses(i), to.v[5]);
	}
	return 0;
}
