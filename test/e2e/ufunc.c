// SPDX-License-Identifier: MIT
// A program with functions that its hooks call: ufunc TIMES.  What it prints is what it would print
// without hooks.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

long seen, nested;

// Everything that a C function may clobber: vector registers, the x87 stack.
__attribute__((noinline)) int of_bytes(signed char a, unsigned short b, int c, unsigned d, long e)
{
	volatile long double x = 1.0L / (c + 3);
	double m[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	for (int i = 0; i < 8; i++)
		m[i] *= (double)x + i;
	__asm__ volatile("pxor %%xmm0, %%xmm0; pxor %%xmm1, %%xmm1; pxor %%xmm7, %%xmm7; pxor %%xmm15, %%xmm15"
			 : : "x"(m[3]) : "xmm0", "xmm1", "xmm7", "xmm15");
	seen++;
	return a + b - c + (int)d + (int)(e / 2);
}

__attribute__((noinline)) signed char negative(void) { return -5; }
__attribute__((noinline)) unsigned short large(unsigned long v) { return (unsigned short)v; }
__attribute__((noinline)) void nothing(const char *s) { seen += s[0] == 'x'; }
__attribute__((noinline)) char *text(void) { return "a text of the program"; }

__attribute__((noinline)) double work(double a, double b, long c)
{
	__asm__ volatile("" : "+x"(a), "+x"(b), "+r"(c));
	return a * b + (double)c * 0.5 - 77777.25;
}

// Called by a hook of work(), and calls it.
__attribute__((noinline)) long again(long v)
{
	nested++;
	return (long)work(1.5, 2.5, v);
}

static void *many(void *arg)
{
	double sum = 0;
	for (long i = 0; i < *(long *)arg; i++)
		sum += work((double)i, 0.25, i);
	return (void *)(long)sum;
}

int main(int argc, char **argv)
{
	long n = argc > 1 ? atol(argv[1]) : 1;
	void *r[4];
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, many, &n);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], &r[i]);
		printf("%ld\n", (long)r[i]);
	}
	if (getenv("SEEN"))
		printf("seen %ld nested %ld\n", seen > 0 ? 1L : 0L, nested > 0 ? 1L : 0L);
	return (labs(argc) < 0) + (text() == NULL) + (negative() > 0) + (large(1) != 1) + (of_bytes(0, 0, 0, 0, 0) != 0) +
	       (nothing("y"), 0) + (again(0) == 5);
}
