/* SPDX-License-Identifier: MIT
 *
 * host WHERE: looks at everything a process has, calls work() some times, and looks again; prints what
 * differs.  WHERE says under which circumstances. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fenv.h>
#include <linux/seccomp.h>
#include <locale.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CALLS = 100, STATE_BYTES = 512 + 16 * 32 };

__attribute__((noinline)) long work(unsigned long n, const char *text)
{
	__asm__ volatile("" : : "r"(text) : "memory");
	return (long)n + 1;
}

/* All vector registers, in a place of their own; x87 and SSE with fxsave. */
struct vectors {
	uint8_t fx[512] __attribute__((aligned(64)));
	uint8_t ymm[16][32];
};

#define EACH_REGISTER(F_) F_(0) F_(1) F_(2) F_(3) F_(4) F_(5) F_(6) F_(7)                  \
	F_(8) F_(9) F_(10) F_(11) F_(12) F_(13) F_(14) F_(15)
#define LOAD(i_) "vmovdqu 512+32*" #i_ "(%0), %%ymm" #i_ "\n"
#define STORE(i_) "vmovdqu %%ymm" #i_ ", 512+32*" #i_ "(%1)\n"

/* Registers full of `v`, a call, and what they hold then; no compiler between. */
static void call_with(struct vectors *v, struct vectors *after, unsigned long n, const char *text)
{
	__asm__ volatile(EACH_REGISTER(LOAD)
			 "push %0; push %1; push %1\n"
			 "mov %2, %%rdi; mov %3, %%rsi\n"
			 "mov %%rsp, %%rbx; sub $256, %%rsp; and $-16, %%rsp\n"
			 "call work\n"
			 "mov %%rbx, %%rsp\n"
			 "pop %1; pop %1; pop %0\n"
			 EACH_REGISTER(STORE)
			 "fxsave64 (%1)\n"
			 :
			 : "r"(v), "r"(after), "r"(n), "r"(text)
			 : "memory", "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "cc",
			   "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
			   "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

static int vectors_kept(void)
{
	struct vectors v, after, before;

	if (!__builtin_cpu_supports("avx"))
		return 1;
	for (unsigned i = 0; i < sizeof(v); i++)
		((uint8_t *)&v)[i] = (uint8_t)(i * 7 + 1);
	fesetround(FE_TOWARDZERO);		/* in the x87 control word and MXCSR */
	feenableexcept(FE_DIVBYZERO);
	__asm__ volatile("fldpi; fldpi");
	for (unsigned n = 0; n < 50; n++) {
		__asm__ volatile("fxsave64 %0" : "=m"(before.fx));
		call_with(&v, &after, n, "vectors");
		if (memcmp(v.ymm, after.ymm, sizeof(v.ymm)))
			return 0;
		/* control words, tag word, stack; the xmm part was compared above */
		if (memcmp(before.fx, after.fx, 8) || memcmp(before.fx + 24, after.fx + 24, 160 - 24))
			return 0;
	}
	__asm__ volatile("fstp %st(0); fstp %st(0)");
	fedisableexcept(FE_DIVBYZERO);
	fesetround(FE_TONEAREST);
	return 1;
}

static size_t add_text(char *to, size_t at, size_t bytes, const char *file, const char *line)
{
	char buf[4096];
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);
	char *p;

	if (fd >= 0)
		close(fd);
	buf[n > 0 ? n : 0] = 0;
	p = strstr(buf, line);
	return at + (size_t)snprintf(to + at, bytes - at, "%.*s\n", p ? (int)strcspn(p, "\n") : 0, p ? p : "");
}

/* Everything a process has that a library could change. */
static void look(char *to, size_t bytes)
{
	static const char *const lines[] = { "Threads:", "SigBlk:", "SigIgn:", "SigPnd:", "ShdPnd:", "Seccomp:",
					     "NoNewPrivs:", "CoreDumping:" };
	stack_t ss;
	struct sigaction sa;
	sigset_t pending;
	size_t at = 0;
	char cwd[256];
	mode_t mask = umask(0);

	umask(mask);
	sigaltstack(NULL, &ss);
	sigpending(&pending);
	at += (size_t)snprintf(to + at, bytes - at, "errno %d\nbrk %p\naltstack %p %zu %d\nlocale %s\numask %o\ncwd %s\n"
			       "dumpable %d\nname %d\n", errno, sbrk(0), ss.ss_sp, ss.ss_size, ss.ss_flags,
			       setlocale(LC_ALL, NULL), mask, getcwd(cwd, sizeof(cwd)) ? cwd : "", prctl(PR_GET_DUMPABLE),
			       (int)getpriority(PRIO_PROCESS, 0));
	for (int s = 1; s < 65; s++)
		if (!sigaction(s, NULL, &sa))
			at += (size_t)snprintf(to + at, bytes - at, "signal %d %p %x\n", s, (void *)sa.sa_handler,
					       sa.sa_flags);
	for (int fd = 0; fd < 64; fd++)
		at += (size_t)snprintf(to + at, bytes - at, "%d", fcntl(fd, F_GETFD));
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		at = add_text(to, at, bytes, "/proc/self/status", lines[i]);
}

static int say(const char *text)
{
	return write(1, text, strlen(text)) < 0;
}

static void calls(void)
{
	for (unsigned long n = 0; n < CALLS; n++)
		if (work(n, "text") != (long)n + 1)
			say("a wrong result\n");
}

static int unnoticed(void)
{
	static char before[16384], after[16384];
	static char stack[32768];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };
	sigset_t some;

	setlocale(LC_ALL, "C.UTF-8");
	sigaltstack(&ss, NULL);
	sigemptyset(&some);
	sigaddset(&some, SIGUSR2);
	sigaddset(&some, SIGTERM);
	sigprocmask(SIG_SETMASK, &some, NULL);
	raise(SIGUSR2);			/* stays pending */
	look(before, sizeof(before));
	errno = 1234;
	look(before, sizeof(before));
	errno = 1234;
	calls();
	look(after, sizeof(after));
	if (strcmp(before, after)) {
		say("before:\n"), say(before), say("\nafter:\n"), say(after);
		return 1;
	}
	return !vectors_kept() && say("vector or floating point state\n") == 0;
}

static void limit(int what, rlim_t n)
{
	struct rlimit r = { n, n };

	setrlimit(what, &r);
}

static int child(void)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		calls();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status;
}

static int run(const char *where, char **argv)
{
	if (!strcmp(where, "unnoticed"))
		return unnoticed();
	if (!strcmp(where, "fork")) {
		calls();
		return child();
	}
	if (!strcmp(where, "exec")) {
		calls();
		argv[1] = "again";
		return execv(argv[0], argv);
	}
	if (!strcmp(where, "setuid")) {		/* later: the maps stay */
		calls();
		if (setgid(65534) || setuid(65534))
			return 1;
	}
	if (!strcmp(where, "setuid-first") && (setgid(65534) || setuid(65534)))
		return 1;
	if (!strcmp(where, "chroot") && (chroot("/proc/self/fdinfo") || chdir("/")))
		return 1;
	if (!strcmp(where, "chroot-later")) {
		calls();
		if (chroot("/proc/self/fdinfo") || chdir("/"))
			return 1;
	}
	if (!strcmp(where, "no-files"))
		limit(RLIMIT_NOFILE, 0);
	if (!strcmp(where, "no-memory"))
		limit(RLIMIT_AS, 1 << 20);
	if (!strcmp(where, "no-memory-later")) {
		calls();
		limit(RLIMIT_AS, 1 << 20);
	}
	if (!strcmp(where, "closed"))
		for (int fd = 3; fd < 1024; fd++)
			close(fd);
	if (!strcmp(where, "seccomp")) {	/* read, write, exit and sigreturn; all else kills */
		calls();
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
			return 1;
		calls();
		say("done\n");
		syscall(SYS_exit, 0);
	}
	calls();
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	if (run(argv[1], argv))
		return 1;
	return say("done\n");
}
