/* SPDX-License-Identifier: MIT */
#include "child.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)
#define AUDIT_ARCH_NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define AUDIT_ARCH_NATIVE AUDIT_ARCH_AARCH64
#elif defined(__riscv)
#define AUDIT_ARCH_NATIVE AUDIT_ARCH_RISCV64
#endif

/* What running a program needs: its result goes out, clocks and ids come in. */
static const int allowed[] = {
	SYS_write, SYS_exit, SYS_exit_group, SYS_rt_sigreturn, SYS_clock_gettime, SYS_getcpu,
	SYS_getpid, SYS_gettid, SYS_getuid, SYS_getgid, SYS_getrandom, SYS_process_vm_readv,
	SYS_futex, SYS_prctl,
};

void child_confine(void)
{
	enum { N = sizeof(allowed) / sizeof(allowed[0]), FIRST = 3 };
	struct sock_filter f[FIRST + N + 2] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_NATIVE, 0, N + 1),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog p = { sizeof(f) / sizeof(f[0]), f };

	for (size_t i = 0; i < N; i++)
		f[FIRST + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							    (uint32_t)allowed[i], N - i, 0);
	f[FIRST + N] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	f[FIRST + N + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p))
		_exit(EX_ENV);
}

static void limit(int what, rlim_t soft, rlim_t hard)
{
	struct rlimit r = { soft, hard };

	setrlimit(what, &r);
}

static void in_child(void (*fn)(void *arg, struct child_result *res), void *arg,
		     const struct child_limits *lim, int fd)
{
	struct child_result res = { .code = DIAG_I001 };

	limit(RLIMIT_CORE, 0, 0);
	limit(RLIMIT_CPU, lim->seconds, lim->seconds + 1);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fn(arg, &res);
	res.message[sizeof(res.message) - 1] = 0;
	/* Plain exit(2): under child_confine() nothing else is allowed. */
	syscall(SYS_exit, write(fd, &res, sizeof(res)) == sizeof(res) ? EX_OK : EX_BUG);
	abort();
}

/* Reads the whole result, or returns false at the end of file; *late when time is up. */
static bool receive(int fd, const struct child_limits *lim, struct child_result *out, bool *late)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t got = 0;

	while (got < sizeof(*out)) {
		int r = poll(&p, 1, (int)lim->seconds * 2000);
		ssize_t n;

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0) {
			*late = r == 0;
			return false;
		}
		n = read(fd, (char *)out + got, sizeof(*out) - got);
		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return true;
}

/* A hostile program may have written over the result it sends. */
static bool plausible(const struct child_result *r)
{
	return (r->ok || (r->code > DIAG_OK && r->code < DIAG_COUNT)) &&
	       memchr(r->message, 0, sizeof(r->message)) && r->detail_at <= strlen(r->message);
}

int child_run(void (*fn)(void *arg, struct child_result *res), void *arg,
	      const struct child_limits *lim, struct child_result *out, struct diags *dg)
{
	int fds[2], status = 0;
	bool late = false, got;
	pid_t pid;

	fflush(NULL);
	if (pipe(fds))
		return diag(dg, DIAG_E003, at_file("pipe"), "%s", strerror(errno));
	pid = fork();
	if (pid < 0) {
		close(fds[0]);
		close(fds[1]);
		return diag(dg, DIAG_E003, at_file("fork"), "%s", strerror(errno));
	}
	if (!pid) {
		close(fds[0]);
		in_child(fn, arg, lim, fds[1]);
	}
	close(fds[1]);
	got = receive(fds[0], lim, out, &late);
	close(fds[0]);
	if (!got)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (got && plausible(out))
		return 0;
	memset(out, 0, sizeof(*out));
	if (late || (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)) {
		out->code = DIAG_E004;
		snprintf(out->message, sizeof(out->message), "stopped after %u s", lim->seconds);
		return 0;
	}
	out->code = DIAG_C007;
	snprintf(out->message, sizeof(out->message), "%s",
		 WIFSIGNALED(status) && !got ? strsignal(WTERMSIG(status)) : "it damaged its process");
	return 0;
}
