/* SPDX-License-Identifier: MIT
 *
 * Every way to pass and return values, in memory, in general, vector and x87 registers. */
#include <complex.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define HOOKED __attribute__((noinline, noclone))

struct big { long v[20]; };
struct two { long a; double b; };
struct vec { double a, b; };
typedef float v4 __attribute__((vector_size(16)));

HOOKED long hooked_stack(long a, long b, long c, long d, long e, long f, long g, long h, long i)
{
	return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i;
}

HOOKED double hooked_varargs(const char *kinds, ...)
{
	double r = 0;
	va_list ap;

	va_start(ap, kinds);
	for (; *kinds; kinds++)
		r = r * 1.5 + (*kinds == 'i' ? va_arg(ap, int) : *kinds == 'l' ? (double)va_arg(ap, long)
			       : *kinds == 'L' ? (double)va_arg(ap, long double) : va_arg(ap, double));
	va_end(ap);
	return r;
}

HOOKED struct big hooked_big(struct big in, long n)
{
	for (int i = 0; i < 20; i++)
		in.v[i] = in.v[i] * n + i;
	return in;
}

HOOKED struct two hooked_two(struct two t) { t.a++; t.b *= 2; return t; }
HOOKED struct vec hooked_vec(struct vec t) { t.a += 1; t.b *= 2; return t; }
HOOKED long double hooked_x87(long double x, double y) { return x * 3 + y; }
HOOKED double complex hooked_complex(double complex z) { return z * z; }
HOOKED long double complex hooked_lcomplex(long double complex z) { return z * z; }
HOOKED float hooked_float(float a, float b, float c, float d, float e, float f, float g, float h, float i)
{
	return a + b * c - d * e + f * g - h / i;
}
HOOKED v4 hooked_v4(v4 a, v4 b) { return a * b + a; }
HOOKED __int128 hooked_int128(__int128 a, __int128 b) { return a * b + 1; }
HOOKED unsigned char hooked_char(unsigned char c) { return (unsigned char)(c + 1); }
HOOKED _Bool hooked_bool(int c) { return c > 3; }
HOOKED void hooked_void(long *p) { ++*p; }

/* Values in x87 and vector registers must survive a call that takes none. */
static double keep(double x)
{
	double y = x * 1.25;
	long n = 5;

	hooked_void(&n);
	return y + (double)n;
}

int main(void)
{
	for (int k = 1; k < 50; k++) {
		struct big b = { { 0 } };
		struct two t = { k, k * .5 };
		struct vec v = { k, k * .25 };
		v4 q = { (float)k, 2, 3, 4 };
		__int128 w = (__int128)k << 70;
		long n = k;
		double complex z;
		long double complex lz;

		for (int i = 0; i < 20; i++)
			b.v[i] = i * k;
		printf("%ld\n", hooked_stack(k, 2, 3, 4, 5, 6, 7, 8, 9 * k));
		printf("%a\n", hooked_varargs("ildLddddddddilL", k, 7L, 1.5, 2.5L, 1., 2., 3., 4., 5., 6., 7., 8.,
					      9, 10L, 11.L));
		b = hooked_big(b, 3);
		printf("%ld %ld\n", b.v[0], b.v[19]);
		t = hooked_two(t);
		v = hooked_vec(v);
		printf("%ld %a %a %a\n", t.a, t.b, v.a, v.b);
		printf("%La\n", hooked_x87(k * 1.1L, .5));
		z = hooked_complex(k + 2 * I);
		lz = hooked_lcomplex(k + 3 * I);
		printf("%a %a %La %La\n", creal(z), cimag(z), creall(lz), cimagl(lz));
		printf("%a\n", hooked_float((float)k, 2, 3, 4, 5, 6, 7, 8, 9));
		q = hooked_v4(q, q);
		printf("%a %a\n", q[0], q[3]);
		w = hooked_int128(w, 5);
		printf("%llx %llx\n", (long long)(w >> 64), (long long)w);
		printf("%d %d\n", hooked_char((unsigned char)(k * 5)), hooked_bool(k));
		hooked_void(&n);
		printf("%ld %a\n", n, keep(k));
	}
	printf("calls %d\n", 49 * 15);
	return 0;
}
