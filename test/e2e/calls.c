/* SPDX-License-Identifier: MIT
 *
 * A program whose hooked function runs before main, in main, in threads, in a forked
 * child and at exit; what it prints depends on every call having worked. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

long work(long a, long b, long c, long d, long e, long f, long g, long h);

__attribute__((noinline)) long work(long a, long b, long c, long d, long e, long f, long g,
				    long h)
{
	__asm__ volatile("" ::: "memory");
	if (a > 1000)
		return work(a - 1000, h, g, f, e, d, c, b) + 1;
	return a + 2 * b + 3 * c + 5 * d + 7 * e + 11 * f + 13 * g + 17 * h;
}

static long early;

__attribute__((constructor)) static void before_main(void)
{
	for (long i = 0; i < 3; i++)
		early += work(i, 1, 2, 3, 4, 5, 6, 7);
}

static void at_exit(void)
{
	printf("exit %ld\n", work(9, 8, 7, 6, 5, 4, 3, 2));
}

static void *thread(void *arg)
{
	long sum = 0;

	for (long i = 0; i < 25; i++)
		sum += work(i, (long)arg, 1, 1, 1, 1, 1, 1);
	return (void *)sum;
}

int main(int argc, char **argv)
{
	long sum = 0, n = argc > 1 ? atol(argv[1]) : 100;
	pthread_t t[4];
	int status;

	for (long i = 0; i < n; i++)
		sum += work(i % 3000, i, i, i, i, i, i, i);
	for (long i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, thread, (void *)i);
	for (int i = 0; i < 4; i++) {
		void *part;

		pthread_join(t[i], &part);
		sum += (long)part;
	}
	printf("early %ld sum %ld\n", early, sum);
	fflush(stdout);
	if (!fork()) {
		for (long i = 0; i < 10; i++)
			sum += work(i, 0, 0, 0, 0, 0, 0, 1);
		printf("child %ld\n", sum);
		fflush(stdout);
		_exit(7);
	}
	wait(&status);
	printf("status %d\n", WEXITSTATUS(status));
	atexit(at_exit);
	return 5;
}
