/* SPDX-License-Identifier: MIT
 *
 * storm KIND N: calls work() from everything that can run at the same time, and prints how often.
 * It is to be called once for each pair (who, seq). */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 64, SHORT_THREADS = 32, WORKERS = 8, AT_ONCE = 50 };

static struct {
	uint64_t calls;
	uint32_t next_who;
} *all;		/* of all processes */

static long n;
static int end;

__attribute__((noinline)) void work(uint64_t who, uint64_t seq, uint64_t pid_tgid)
{
	__asm__ volatile("" : : "r"(who), "r"(seq), "r"(pid_tgid) : "memory");
}

static uint64_t pid_tgid(void)
{
	return (uint64_t)syscall(SYS_getpid) << 32 | (uint64_t)syscall(SYS_gettid);
}

static uint32_t new_who(void)
{
	return __atomic_fetch_add(&all->next_who, 1, __ATOMIC_RELAXED);
}

static void once(uint32_t who, uint64_t seq)
{
	__atomic_fetch_add(&all->calls, 1, __ATOMIC_RELAXED);
	work(who, seq, pid_tgid());
}

static void *some(void *ops)
{
	uint32_t who = new_who();

	for (uint64_t seq = 0; seq < (uint64_t)(uintptr_t)ops; seq++)
		once(who, seq);
	return NULL;
}

static void *until_end(void *unused)
{
	uint32_t who = new_who();

	for (uint64_t seq = 0; !__atomic_load_n(&end, __ATOMIC_RELAXED); seq++)
		once(who, seq);
	return unused;
}

static void start(pthread_t *t, unsigned k, void *(*fn)(void *), long ops)
{
	for (unsigned i = 0; i < k; i++)
		if (pthread_create(&t[i], NULL, fn, (void *)ops))
			abort();
}

static void join(pthread_t *t, unsigned k)
{
	for (unsigned i = 0; i < k; i++)
		pthread_join(t[i], NULL);
}

static void threads(unsigned k, long ops)
{
	pthread_t t[THREADS];

	start(t, k, some, ops);
	join(t, k);
}

static void on_signal(int sig)
{
	(void)sig;
	once(new_who(), 0);
}

static void signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART | SA_NODEFER };
	struct itimerval often = { { 0, 300 }, { 0, 300 } }, never = { { 0, 0 }, { 0, 0 } };
	pthread_t t[WORKERS];

	sigaction(SIGALRM, &sa, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	start(t, WORKERS, until_end, 0);
	setitimer(ITIMER_REAL, &often, NULL);
	for (long i = 0; i < n; i++) {
		pthread_kill(t[i % WORKERS], SIGUSR1);
		usleep(20);
	}
	__atomic_store_n(&end, 1, __ATOMIC_RELAXED);
	join(t, WORKERS);
	setitimer(ITIMER_REAL, &never, NULL);
}

static pid_t child(long ops)
{
	pid_t pid = fork();

	if (!pid) {
		some((void *)ops);
		_exit(0);
	}
	return pid;
}

/* Children of a process whose threads are in the middle of something. */
static void forks(void)
{
	pthread_t t[WORKERS];

	start(t, WORKERS, until_end, 0);
	for (long i = 0; i < n; i++)
		waitpid(child(50), NULL, 0);
	__atomic_store_n(&end, 1, __ATOMIC_RELAXED);
	join(t, WORKERS);
}

static void processes(void)
{
	for (long begun = 0; begun < n;) {
		pid_t pid[AT_ONCE];
		int k = 0;

		for (; k < AT_ONCE && begun < n; begun++)
			pid[k++] = child(50);
		while (k)
			waitpid(pid[--k], NULL, 0);
	}
}

int main(int argc, char **argv)
{
	const char *kind = argc == 3 ? argv[1] : "";

	all = mmap(NULL, sizeof(*all), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	n = argc == 3 ? atol(argv[2]) : 0;
	if (!strcmp(kind, "threads"))
		threads(THREADS, n);
	else if (!strcmp(kind, "short_threads"))
		for (long i = 0; i < n; i++)
			threads(SHORT_THREADS, 20);
	else if (!strcmp(kind, "signals"))
		signals();
	else if (!strcmp(kind, "forks"))
		forks();
	else if (!strcmp(kind, "processes"))
		processes();
	else
		return 2;
	return printf("%llu\n", (unsigned long long)all->calls) < 0;
}
