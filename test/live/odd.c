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

#include "livefmt.h"
#include "objfmt.h"

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

/* Payloads of the largest size there may be, which say that they have objects and maps without end. */
static void forge(void)
{
	const size_t page = 4096, bytes = 512ul << 20;

	for (int i = 0; i < 100; i++) {
		char *p = mmap(NULL, bytes + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		struct livefmt_head *h = (struct livefmt_head *)p;
		struct bpftime_payload *pl = (struct bpftime_payload *)(p + page);
		int32_t *list = (int32_t *)(pl + 1);
		struct objfmt_object *o = (struct objfmt_object *)(list + 1);

		if (p == MAP_FAILED || mprotect(p, 2 * page, PROT_READ | PROT_WRITE))
			exit(3);
		*h = (struct livefmt_head){ .magic = LIVEFMT_MAGIC, .version = LIVEFMT_VERSION, .size = sizeof(*h),
			.state = LIVE_DETACHED, .self = (uint64_t)p, .rx_bytes = bytes, .payload_off = page,
			.record_off = bytes - page, .record_bytes = sizeof(struct livefmt_record), .seq = (uint32_t)i };
		*pl = (struct bpftime_payload){ .magic = OBJFMT_PAYLOAD_MAGIC, .version = OBJFMT_PAYLOAD_VERSION,
			.n_objects = UINT32_MAX };
		pl->objects_rel = (int32_t)((char *)list - (char *)&pl->objects_rel);
		*list = (int32_t)((char *)o - (char *)list);
		o->n_maps = UINT32_MAX;
		o->maps_rel = (int32_t)((char *)(o + 1) - (char *)&o->maps_rel);
		if (mprotect(p, 2 * page, PROT_READ | PROT_EXEC) ||
		    mprotect(p + 2 * page, bytes - 2 * page, PROT_READ | PROT_EXEC))
			exit(3);
	}
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
	else if (!strcmp(mode, "forges"))
		forge();
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
