/* SPDX-License-Identifier: MIT
 *
 * Many threads that come and go: they return, exit and are cancelled inside hooked frames. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HOOKED __attribute__((noinline, noclone))

static atomic_ulong entries, returns, cleanups;

HOOKED long hooked_work(long depth, long n)
{
	long r;

	atomic_fetch_add(&entries, 1);
	r = depth ? hooked_work(depth - 1, n * 3 + 1) : n;
	atomic_fetch_add(&returns, 1);
	return r + 1;
}

HOOKED void hooked_exit(long depth)
{
	atomic_fetch_add(&entries, 1);
	if (!depth)
		pthread_exit(NULL);
	hooked_exit(depth - 1);
	atomic_fetch_add(&returns, 1);
}

static void cleanup(void *arg)
{
	(void)arg;
	atomic_fetch_add(&cleanups, 1);
}

HOOKED void hooked_wait(long depth)
{
	atomic_fetch_add(&entries, 1);
	pthread_cleanup_push(cleanup, NULL);
	if (depth)
		hooked_wait(depth - 1);
	else
		pause();
	pthread_cleanup_pop(0);
	atomic_fetch_add(&returns, 1);
}

static void *worker(void *arg)
{
	long me = (long)arg, sum = 0;

	for (long i = 0; i < 2000; i++)
		sum += hooked_work(me % 8, i);
	if (me % 3 == 1)
		hooked_exit(me % 5);
	if (me % 3 == 2)
		hooked_wait(me % 4);
	return (void *)sum;
}

int main(int argc, char **argv)
{
	enum { THREADS = 64 };
	int rounds = argc > 1 ? atoi(argv[1]) : 4;
	unsigned long total = 0;

	for (int r = 0; r < rounds; r++) {
		pthread_t t[THREADS];
		pthread_attr_t attr;

		pthread_attr_init(&attr);
		pthread_attr_setstacksize(&attr, 1 << 17);
		for (long i = 0; i < THREADS; i++)
			if (pthread_create(&t[i], &attr, worker, (void *)i))
				return 1;
		for (long i = 0; i < THREADS; i++) {
			void *res;

			if (i % 3 == 2)
				pthread_cancel(t[i]);
			pthread_join(t[i], &res);
			if (i % 3 == 0)
				total += (unsigned long)res;
		}
	}
	printf("total %lu\n", total);
	fprintf(stderr, "entries %lu\nreturns %lu\ncleanups %lu\n", entries, returns, cleanups);
	return 0;
}
