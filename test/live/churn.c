/* SPDX-License-Identifier: MIT
 *
 * Threads that start and end all the time, children, and a signal every half millisecond, whose handler
 * works as well.  Until standard input ends: then the status says whether a result was wrong. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4 };

static atomic_bool wrong, end;

__attribute__((noinline)) long work(long a, long b);

long work(long a, long b)
{
	__asm__ volatile("" ::: "memory");
	return a * 3 + b;
}

__attribute__((noinline)) long more_work(long n);

long more_work(long n)
{
	long sum = 0;

	for (long i = 0; i < n; i++) {
		__asm__ volatile("" : "+r"(sum));
		sum += i;
	}
	return sum;
}

static void check(long n)
{
	if (work(n, 1) != n * 3 + 1 || more_work(n) != n * (n - 1) / 2)
		wrong = true;
}

static void on_signal(int sig)
{
	check(sig);
}

static void *some(void *arg)
{
	for (long i = 0; i < 50; i++)
		check(i + (arg == NULL));
	return NULL;
}

static void *spawner(void *arg)
{
	while (!end) {
		pthread_t t[THREADS];
		int n = 0;

		while (n < THREADS && !pthread_create(&t[n], NULL, some, arg))
			n++;
		while (n > 0)
			pthread_join(t[--n], NULL);
	}
	return NULL;
}

static void *forker(void *arg)
{
	while (!end) {
		int status = -1;
		pid_t pid = fork();

		if (!pid) {
			some(arg);
			_exit(wrong);
		}
		if (pid > 0 && (waitpid(pid, &status, 0) != pid || status))
			wrong = true;
		usleep(500);
	}
	return NULL;
}

int main(void)
{
	struct itimerval every = { { 0, 500 }, { 0, 500 } };
	struct sigaction sa;
	pthread_t t[2];
	char c;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_signal;
	sa.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	if (pthread_create(&t[0], NULL, spawner, NULL) || pthread_create(&t[1], NULL, forker, NULL))
		return 3;
	puts("ready");
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	end = true;
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
	return wrong;
}
