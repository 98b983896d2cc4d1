// SPDX-License-Identifier: MIT
// What a program can notice of the timers of its hooks: timed MODE.  work(ms) is hooked.
#define _GNU_SOURCE
#include <dirent.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((noinline)) int work(long ms)
{
	__asm__ volatile("" : "+r"(ms));
	return (int)(ms * 77 + 123456);
}

// "1", or "2 uid mask": how many threads there are, and what the other one is like.
static void threads(const char *when)
{
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	int n = 0;
	char other[200] = "", line[200], path[400];

	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		n++;
		if (atoi(e->d_name) == getpid())
			continue;
		snprintf(path, sizeof(path), "/proc/self/task/%s/status", e->d_name);
		FILE *f = fopen(path, "r");
		while (f && fgets(line, sizeof(line), f)) {
			char value[100] = "";
			if (sscanf(line, "SigBlk: %99s", value) == 1 || sscanf(line, "Uid: %99s", value) == 1) {
				strcat(other, " ");
				strcat(other, value);
			}
		}
		if (f)
			fclose(f);
	}
	closedir(d);
	printf("%s: %d%s\n", when, n, other);
	fflush(stdout);
}

static void wait_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
	while (nanosleep(&t, &t))
		;
}

static volatile int elsewhere, handled;
static void on_alarm(int sig)
{
	(void)sig;
	handled++;
	if (syscall(SYS_gettid) != getpid())
		elsewhere++;
}

static void *ends_last(void *arg)
{
	wait_ms(100);
	return arg;
}

static int seccomp_all(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = { 1, &allow };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	pthread_t t;

	threads("before");
	if (!strcmp(mode, "seccomp") && seccomp_all())
		return 77;
	work(!strcmp(mode, "exit") || !strcmp(mode, "last") ? 1000000 : 20);
	if (!strcmp(mode, "exit"))
		return 0;
	if (!strcmp(mode, "last")) {
		pthread_create(&t, NULL, ends_last, NULL);
		pthread_exit(NULL);
	}
	threads("armed");
	if (!strcmp(mode, "idle")) {
		wait_ms(3500);
		threads("idle");
		work(20);
		threads("again");
		wait_ms(400);
	} else if (!strcmp(mode, "fork")) {
		if (!fork()) {
			threads("child");
			work(20);
			threads("child armed");
			wait_ms(400);
			_exit(0);
		}
		wait(NULL);
	} else if (!strcmp(mode, "signals")) {
		struct itimerval often = { { 0, 1000 }, { 0, 1000 } };
		signal(SIGALRM, on_alarm);
		setitimer(ITIMER_REAL, &often, NULL);
		for (int i = 0; i < 40; i++) {
			work(1);
			wait_ms(10);
		}
		memset(&often, 0, sizeof(often));
		setitimer(ITIMER_REAL, &often, NULL);
		printf("elsewhere %d of %s\n", elsewhere, handled > 20 ? "many" : "few");
	} else if (!strcmp(mode, "uid")) {
		if (setgid(65534) || setuid(65534))
			return 77;
		work(20);
		threads("given up");
		wait_ms(400);
	} else {
		wait_ms(400);
	}
	return 0;
}
