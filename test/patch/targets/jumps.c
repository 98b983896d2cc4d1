/* SPDX-License-Identifier: MIT
 *
 * Frames that are left or kept in other ways than by returning: longjmp, signal handlers on
 * an alternate stack, coroutines, deep recursion, tail calls, fork. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define HOOKED __attribute__((noinline, noclone, noipa))

static unsigned long entries, returns;
static jmp_buf out;
static sigjmp_buf sig_out;

HOOKED long hooked_jump(long n)
{
	char pad[64];

	entries++;
	memset(pad, (int)n, sizeof(pad));
	__asm__ volatile("" :: "r"(pad) : "memory");
	if (n == 0)
		longjmp(out, 1);
	n = hooked_jump(n - 1);
	returns++;
	return n + pad[3];
}

/* Leaves 1,000 frames at a time, in different depths. */
static void test_longjmp(void)
{
	volatile long times = 0;

	for (volatile int i = 0; i < 500; i++)
		if (!setjmp(out))
			hooked_jump(i % 100 * 10);
		else
			times++;
	printf("longjmp %ld\n", times);
}

HOOKED long hooked_recurse(long n)
{
	long r;

	entries++;
	r = n ? hooked_recurse(n - 1) + 1 : 0;
	returns++;
	__asm__ volatile("" ::: "memory");
	return r;
}

HOOKED long hooked_leaf(long n)
{
	entries++;
	returns++;
	return n * 3;
}

/* A chain of tail calls: hooked_tail1 -> hooked_tail2 -> hooked_leaf. */
HOOKED long hooked_tail2(long n)
{
	entries++;
	returns++;
	return hooked_leaf(n + 1);
}

HOOKED long hooked_tail1(long n)
{
	entries++;
	returns++;
	return hooked_tail2(n + 1);
}

HOOKED long hooked_tail_out(long n)
{
	entries++;
	returns++;	/* not really: the chain ends in a longjmp */
	return hooked_jump(n);
}

static void handler(int sig)
{
	(void)sig;
	hooked_leaf(1);
	hooked_recurse(3);
}

static void jump_handler(int sig)
{
	(void)sig;
	entries += 0;
	siglongjmp(sig_out, 1);
}

HOOKED void hooked_raise(int sig)
{
	entries++;
	raise(sig);
	returns++;
}

static void test_altstack(void)
{
	stack_t ss = { .ss_size = 1 << 16 };
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_ONSTACK };

	ss.ss_sp = malloc(ss.ss_size);
	sigaltstack(&ss, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	for (int i = 0; i < 100; i++)
		hooked_raise(SIGUSR1);
	sa.sa_handler = jump_handler;
	sigaction(SIGUSR2, &sa, NULL);
	for (volatile int i = 0; i < 3000; i++)
		if (!sigsetjmp(sig_out, 1))
			hooked_raise(SIGUSR2);
	ss.ss_flags = SS_DISABLE;
	sigaltstack(&ss, NULL);
	free(ss.ss_sp);
	printf("altstack done\n");
}

enum { COROUTINES = 50, STEPS = 20 };
static ucontext_t main_ctx, ctx[COROUTINES];
static long sum;

HOOKED long hooked_yield(int me, int depth)
{
	entries++;
	if (depth)
		hooked_yield(me, depth - 1);
	else
		swapcontext(&ctx[me], &main_ctx);
	sum += me * depth;
	returns++;
	return sum;
}

static void coroutine(int me)
{
	for (int i = 0; i < STEPS; i++)
		hooked_yield(me, me % 5);
}

/* All coroutines are suspended in hooked frames, on stacks that lie far below and above. */
static void test_coroutines(void)
{
	size_t size = 1 << 16;
	char *stacks = mmap(NULL, COROUTINES * size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (int i = 0; i < COROUTINES; i++) {
		getcontext(&ctx[i]);
		ctx[i].uc_stack.ss_sp = stacks + i * size;
		ctx[i].uc_stack.ss_size = size;
		ctx[i].uc_link = &main_ctx;
		makecontext(&ctx[i], (void (*)(void))coroutine, 1, i);
	}
	for (int s = 0; s < STEPS + 1; s++)
		for (int i = 0; i < COROUTINES; i++) {
			swapcontext(&main_ctx, &ctx[(i * 7) % COROUTINES]);
			hooked_recurse(i);
		}
	munmap(stacks, COROUTINES * size);
	printf("coroutines %ld\n", sum);
}

HOOKED long hooked_fork(void)
{
	pid_t pid;
	int status;

	entries++;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		returns++;
		return 42;
	}
	waitpid(pid, &status, 0);
	returns++;
	return WEXITSTATUS(status);
}

static void test_fork(void)
{
	for (int i = 0; i < 10; i++) {
		long r = hooked_fork();

		if (r == 42) {
			hooked_recurse(5);
			_exit(i + 1);
		}
		printf("fork %ld\n", r);
	}
}

HOOKED int hooked_exec(const char *path)
{
	char *argv[] = { (char *)path, NULL };

	execv(path, argv);
	return 1;
}

static void test_vfork(void)
{
	for (volatile int i = 0; i < 20; i++) {
		int status;
		pid_t pid = vfork();

		if (!pid) {
			hooked_exec("/bin/true");
			_exit(9);
		}
		waitpid(pid, &status, 0);
		if (status)
			printf("vfork status %d\n", status);
		hooked_leaf(i);
	}
	printf("vfork done\n");
}

static volatile sig_atomic_t alarms;

static void on_alarm(int sig)
{
	(void)sig;
	alarms++;
	hooked_leaf(2);
}

/* Signals arrive at any instruction, also of trampolines. */
static void test_timer(void)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval it = { { 0, 50 }, { 0, 50 } };
	unsigned long e, r;
	long s = hooked_leaf(0);	/* a handler that interrupts the first hit would not be counted */

	e = entries;
	r = returns;

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	for (long i = 0; i < 2000000; i++)
		s += hooked_leaf(i);
	memset(&it, 0, sizeof(it));
	setitimer(ITIMER_REAL, &it, NULL);
	printf("timer %ld %s\n", s, alarms > 10 ? "often" : "seldom");
	/* entries++ is not atomic against the handler: say exactly how many calls there were */
	entries = e + 2000000 + (unsigned long)alarms;
	returns = r + 2000000 + (unsigned long)alarms;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "longjmp"))
		test_longjmp();
	if (!strcmp(what, "recurse"))
		printf("recurse %ld\n", hooked_recurse(argc > 2 ? atol(argv[2]) : 10));
	if (!strcmp(what, "tail")) {
		printf("tail %ld\n", hooked_tail1(5));
		for (volatile int i = 0; i < 3000; i++)
			if (!setjmp(out))
				hooked_tail_out(i % 7);
		printf("tail %ld\n", hooked_tail1(6));
	}
	if (!strcmp(what, "altstack"))
		test_altstack();
	if (!strcmp(what, "coroutines"))
		test_coroutines();
	if (!strcmp(what, "fork"))
		test_fork();
	if (!strcmp(what, "vfork"))
		test_vfork();
	if (!strcmp(what, "timer"))
		test_timer();
	fprintf(stderr, "entries %lu\nreturns %lu\n", entries, returns);
	return 0;
}
