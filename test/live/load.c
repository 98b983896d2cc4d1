/* SPDX-License-Identifier: MIT
 *
 * A program under load whose threads can be told to stop calling work(), or to call it an exact
 * number of times: load FILE THREADS.  FILE is shared with the test. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include "load.h"

static struct load *shared;

__attribute__((noinline)) long work(long a, long b);

long work(long a, long b)
{
	__asm__ volatile("" ::: "memory");
	return a * 3 + b;
}

/* Long enough for a thread to be inside, with a loop that leads to its start. */
__attribute__((noinline)) long more_work(long n);

long more_work(long n)
{
	long sum = 0;

	for (long i = 0; i < n; i++) {
		__asm__ volatile("" : "+r"(sum));
		sum += i ^ n;
	}
	return sum;
}

static void on_signal(int sig)
{
	(void)sig;
	if (__atomic_load_n(&shared->order, __ATOMIC_ACQUIRE) % LOAD_KINDS == LOAD_RUN)
		more_work(20);
	__atomic_fetch_add(&shared->signals, 1, __ATOMIC_RELAXED);
}

static void *thread(void *arg)
{
	unsigned me = (unsigned)(long)arg;
	long sum = 0;

	for (;;) {
		unsigned order = __atomic_load_n(&shared->order, __ATOMIC_ACQUIRE);

		switch (order % LOAD_KINDS) {
		case LOAD_RUN:
			for (int i = 0; i < 100; i++)
				sum = work(sum, more_work(sum & 7));
			break;
		case LOAD_EXACT:
			if (shared->done[me] != order)
				for (int i = 0; i < LOAD_CALLS; i++)
					sum = work(sum, i);
			__attribute__((fallthrough));
		default:
			__atomic_store_n(&shared->done[me], order, __ATOMIC_RELEASE);
			sched_yield();
		}
		if (order == LOAD_END)
			return (void *)sum;
	}
}

int main(int argc, char **argv)
{
	struct itimerval every = { { 0, 1000 }, { 0, 1000 } };
	struct sigaction sa;
	pthread_t t[LOAD_THREADS];
	long n = argc > 2 ? atol(argv[2]) : 0;
	int fd = argc > 2 ? open(argv[1], O_RDWR) : -1;

	if (fd < 0 || n < 1 || n > LOAD_THREADS)
		return 2;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_signal;
	sa.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	for (long i = 0; i < n; i++)
		if (pthread_create(&t[i], NULL, thread, (void *)i))
			return 3;
	__atomic_store_n(&shared->ready, 1, __ATOMIC_RELEASE);
	for (long i = 0; i < n; i++)
		pthread_join(t[i], NULL);
	return 7;
}
