// SPDX-License-Identifier: MIT
// Everything after which a process, a thread or a stack may be another: signals, threads, their
// cancellation and end, fork, vfork, posix_spawn; and calls with known arguments.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 0x3ffffff0 };	/* above any pid */

extern char **environ;
static volatile int hits;
static sigjmp_buf back;
static char *const program[] = { "/bin/true", NULL };

static void on_signal(int s) { hits += !!s; }
static void on_jump(int s) { siglongjmp(back, s); }

static void *sleeper(void *p)
{
	int fd[2];
	char c;

	if (pipe(fd))
		return p;
	(void)!read(fd[0], &c, 1);
	return p;
}

static void *quick(void *p)
{
	getppid();
	return p;
}

static int ends(pid_t p)
{
	int st = -1;

	waitpid(p, &st, 0);
	return WEXITSTATUS(st);
}

static void threads(void)
{
	pthread_attr_t detached;
	pthread_t t;
	void *r;

	for (int i = 0; i < 4; i++) {
		pthread_create(&t, NULL, quick, &t);
		pthread_join(t, &r);
		printf("joined %d\n", r == &t);
	}
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	for (int i = 0; i < 4; i++) {
		pthread_create(&t, &detached, quick, NULL);
		usleep(2000);
	}
	pthread_create(&t, NULL, sleeper, NULL);
	usleep(10000);
	pthread_cancel(t);
	pthread_join(t, &r);
	printf("cancelled %d\n", r == PTHREAD_CANCELED);
}

static void processes(void)
{
	pid_t p = fork();

	if (!p)
		_exit(3);
	printf("fork %d\n", ends(p));
	p = vfork();
	if (!p) {
		execve(program[0], program, environ);
		_exit(9);
	}
	printf("vfork %d\n", ends(p));
	posix_spawn(&p, program[0], NULL, NULL, program, environ);
	printf("spawn %d\n", ends(p));
	p = (pid_t)syscall(SYS_fork);
	if (!p)
		_exit(5);
	printf("fork by number %d\n", ends(p));
	printf("system %d\n", system("exit 4") >> 8);
}

static void signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	int fd[2];
	char c;
	pid_t p;

	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, on_jump);
	for (int i = 0; i < 5; i++)
		raise(SIGUSR1);
	if (!sigsetjmp(back, 1))
		raise(SIGUSR2);
	sigaction(SIGALRM, &sa, NULL);
	if (pipe(fd))
		return;
	p = fork();
	if (!p) {
		usleep(60000);
		(void)!write(fd[1], "x", 1);
		_exit(0);
	}
	ualarm(20000, 0);
	printf("restarted %d\n", (int)read(fd[0], &c, 1));
	ends(p);
	printf("signals %d\n", hits);
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	signals();
	threads();
	processes();
	for (int i = 0; i < 7; i++)
		kill(NOBODY, 0);
	for (int i = 0; i < 3; i++)	/* a number nobody knows before */
		syscall(SYS_kill, NOBODY, 0);
	syscall(SYS_mmap, 0x1000L, 0L, 3L, 0x22L, 0x6600000077L, 0x5000L);
	return 0;
}
