// SPDX-License-Identifier: MIT
// Processes that share timers, through a hook on operate().
//
// shared_timers             answers each line "OP KEY MS" with "RESULT FIRED PID"
// shared_timers KILLS       4 children do this and that to 4 timers, one of them is killed every
//                           millisecond or two; then each timer is started once more, and must fire
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shared_timers.h"

enum { CHILDREN = 4, KEYS = 4, PATIENCE_MS = 60000 };

__attribute__((noinline)) int operate(long op, long key, long ms, struct said *said)
{
	__asm__ volatile("" : "+r"(op), "+r"(key), "+r"(ms), "+r"(said) : : "memory");
	return (int)(op + key + ms);
}

static struct said ask(long op, long key, long ms)
{
	struct said said = { -1000, 0, 0 };

	operate(op, key, ms, &said);
	return said;
}

static void nap(long us)
{
	struct timespec t = { 0, us * 1000 };

	nanosleep(&t, NULL);
}

static pid_t child(unsigned seed)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	srand(seed);
	for (;;) {
		int op = rand() % (N_OPS + 2);

		ask(op < N_OPS ? op : OP_START, rand() % KEYS, rand() % 2);
		if (rand() % 8 == 0)
			nap(100);
	}
}

static int fires(long key)
{
	struct said said = ask(OP_UPDATE, key, 0);

	if (said.r || ask(OP_START, key, 1).r)
		return 0;
	for (int ms = 0; ms < PATIENCE_MS; ms++) {
		said = ask(OP_LOOK, key, 0);
		if (said.fired)
			return said.fired == 1 && said.by == (unsigned long long)getpid();
		nap(1000);
	}
	return 0;
}

static int storm(int kills)
{
	pid_t pid[CHILDREN];
	int bad = 0;

	for (int i = 0; i < CHILDREN; i++)
		pid[i] = child((unsigned)i);
	for (int n = 0; n < kills; n++) {
		int i = n % CHILDREN, status;

		nap(300 + rand() % 2000);
		kill(pid[i], SIGKILL);
		if (waitpid(pid[i], &status, 0) != pid[i] || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
			return 1;
		pid[i] = child((unsigned)(n + 100));
	}
	for (int i = 0; i < CHILDREN; i++) {
		kill(pid[i], SIGKILL);
		waitpid(pid[i], NULL, 0);
	}
	for (long key = 0; key < KEYS; key++)
		if (!fires(key)) {
			printf("timer %ld does not\n", key);
			bad = 1;
		}
	return bad;
}

int main(int argc, char **argv)
{
	long op, key, ms;

	if (argc > 1)
		return storm(atoi(argv[1]));
	while (scanf("%ld %ld %ld", &op, &key, &ms) == 3) {
		struct said said = ask(op, key, ms);
		printf("%lld %llu %llu\n", said.r, said.fired, said.by);
		fflush(stdout);
	}
	return 0;
}
