/* SPDX-License-Identifier: MIT
 *
 * Processes that cannot be hooked, or not easily: odd MODE.  It prints a line when it is ready, and
 * calls work() until its standard input ends; then it says how often. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

__attribute__((noinline)) long work(long a);

long work(long a)
{
	__asm__ volatile("" ::: "memory");
	return a + 1;
}

/* mmap, and nothing else, is answered with `action`. */
static void filter_mmap(unsigned action)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { sizeof(f) / sizeof(f[0]), f };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p))
		exit(3);
}

/* No address within 2 GiB of the program is free: static, not PIE. */
static void crowd(void)
{
	const unsigned long step = 1 << 12, end = 0x90000000;
	char *heap = sbrk(0);

	for (unsigned long at = 1 << 16; at < 0x400000; at += step)
		mmap((void *)at, step, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	for (unsigned long at = ((unsigned long)heap + step - 1) & ~(step - 1), n = end - at; n; at += step, n -= step)
		if (mmap((void *)at, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE,
			 -1, 0) != MAP_FAILED)
			break;
	for (unsigned long at = 0x400000; at < (unsigned long)heap; at += step)
		mmap((void *)at, step, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

static void prepare(const char *mode)
{
	static char selector;	/* all calls are the kernel's */
	struct rlimit none = { 1, 1 };

	if (!strcmp(mode, "dumpable"))
		prctl(PR_SET_DUMPABLE, 0);
	else if (!strcmp(mode, "limit"))
		setrlimit(RLIMIT_AS, &none);
	else if (!strcmp(mode, "denies"))
		filter_mmap(SECCOMP_RET_ERRNO | EPERM);
	else if (!strcmp(mode, "kills"))
		filter_mmap(SECCOMP_RET_KILL_PROCESS);
	else if (!strcmp(mode, "dispatches"))
		prctl(59 /* PR_SET_SYSCALL_USER_DISPATCH */, 1, 0, 0, &selector);
	else if (!strcmp(mode, "crowded"))
		crowd();
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	struct pollfd in = { 0, POLLIN, 0 };
	long n = work(0);

	prepare(mode);
	puts("ready");
	fflush(stdout);
	if (!strcmp(mode, "strict"))
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	if (!strcmp(mode, "strict"))
		for (char c; read(0, &c, 1) > 0;)
			n = work(n);
	else if (!strcmp(mode, "vfork") && !vfork())
		for (;;)
			if (poll(&in, 1, 1000))
				_exit(0);
	while (strcmp(mode, "strict") && !poll(&in, 1, 1))
		n = work(n);
	dprintf(1, "%ld\n", n);
	syscall(SYS_exit, n < 1);
}
