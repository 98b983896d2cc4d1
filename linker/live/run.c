/* SPDX-License-Identifier: MIT
 *
 * run.c - start, stop at the entry, attach, let go, wait. */
#include "run.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "part.h"

enum { OPTIONS = PTRACE_O_TRACECLONE | PTRACE_O_TRACESYSGOOD, EXIT_NO_EXEC = 127 };

static const int forwarded[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGCONT };
static volatile sig_atomic_t child;

/* The terminal's signals go to the whole group, the child included. */
static void forward(int sig, siginfo_t *info, void *context)
{
	int was = errno;

	(void)context;
	if (info->si_code <= 0 && child > 0)
		kill(child, sig);
	errno = was;
}

struct handlers {
	struct sigaction was[sizeof(forwarded) / sizeof(forwarded[0])];
};

static void catch_signals(struct handlers *h)
{
	struct sigaction sa = { .sa_flags = SA_SIGINFO | SA_RESTART };

	sa.sa_sigaction = forward;
	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
		sigaction(forwarded[i], &sa, &h->was[i]);
}

static void restore_signals(const struct handlers *h)
{
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
		sigaction(forwarded[i], &h->was[i], NULL);
}

/* Waits until it is traced, then becomes the command; the reason why not goes to `report`. */
__attribute__((noreturn)) static void become(char **argv, int go, int report)
{
	char c;
	int err;

	while (read(go, &c, 1) < 0 && errno == EINTR)
		;
	execvp(argv[0], argv);
	err = errno;
	if (write(report, &err, sizeof(err)) < 0)
		_exit(EXIT_NO_EXEC);
	_exit(EXIT_NO_EXEC);
}

static int start(char **argv, int *pid, int *report, struct diags *dg)
{
	int go[2], why[2];

	if (pipe2(go, O_CLOEXEC))
		return diag(dg, DIAG_E001, at_file(argv[0]), "%s", strerror(errno));
	if (pipe2(why, O_CLOEXEC)) {
		close(go[0]);
		close(go[1]);
		return diag(dg, DIAG_E001, at_file(argv[0]), "%s", strerror(errno));
	}
	*pid = fork();
	if (!*pid) {
		close(go[1]);
		become(argv, go[0], why[1]);
	}
	close(go[0]);
	close(why[1]);
	*report = why[0];
	if (*pid > 0 && ptrace(PTRACE_SEIZE, *pid, NULL, OPTIONS | PTRACE_O_TRACEEXEC)) {
		kill(*pid, SIGKILL);
		waitpid(*pid, NULL, 0);
		*pid = -1;
	}
	close(go[1]);	/* an end of file is the word to go */
	if (*pid < 0) {
		close(*report);
		return diag(dg, DIAG_P301, at_file(argv[0]), "%s", strerror(errno));
	}
	return 0;
}

/* Goes on to an event, passing signals; false when the process ends first. */
static bool run_until_event(int pid, int event, int *status)
{
	while (waitpid(pid, status, __WALL) == pid) {
		int sig = 0;

		if (!WIFSTOPPED(*status))
			return false;
		if (*status >> 16 == event && (event || WSTOPSIG(*status) == SIGTRAP))
			return true;
		if (!(*status >> 16))
			sig = WSTOPSIG(*status);
		ptrace(PTRACE_CONT, pid, NULL, (void *)(intptr_t)sig);
	}
	return false;
}

static uint64_t entry_of(int pid)
{
	char path[64];
	uint64_t aux[2], entry = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/auxv", pid);
	f = fopen(path, "re");
	while (f && fread(aux, sizeof(aux), 1, f) == 1 && aux[0])
		if (aux[0] == AT_ENTRY)
			entry = aux[1];
	if (f)
		fclose(f);
	return entry;
}

/* The dynamic linker does its work up to the program's entry, where a trap stands for that long. */
static int run_to_entry(struct proc *p, int *status, struct diags *dg)
{
	uint64_t entry = entry_of(p->pid);
	struct user_regs_struct u;
	uint8_t was, trap = 0xcc;

	if (ptrace(PTRACE_GETREGS, p->pid, NULL, &u))
		return diag(dg, DIAG_P300, at_file(p->name), "%s", strerror(errno));
	if (!entry || u.rip == entry)	/* static: it is there */
		return 0;
	if (!proc_read(p, entry, &was, 1) || !proc_write(p, entry, &trap, 1))
		return diag(dg, DIAG_P304, at_file(p->name), "its entry cannot be written");
	ptrace(PTRACE_CONT, p->pid, NULL, NULL);
	if (!run_until_event(p->pid, 0, status))
		return 1;
	proc_write(p, entry, &was, 1);
	if (ptrace(PTRACE_GETREGS, p->pid, NULL, &u))
		return 1;
	if (u.rip == entry + 1)
		u.rip = entry;
	ptrace(PTRACE_SETREGS, p->pid, NULL, &u);
	return 0;
}

/* With the process in front of its first instruction. */
static int attach(struct arena *a, int pid, const struct patch_request *patch, int *status, struct diags *dg)
{
	struct stopped stopped = { .arena = a };
	struct live_result res;
	int r = proc_open(a, pid, &stopped.p, dg);

	if (r < 0)
		return r;
	r = run_to_entry(stopped.p, status, dg);
	if (!r)
		r = proc_refresh(stopped.p, dg);
	if (!r) {
		stop_add(&stopped, pid);
		r = live_attach_to(stopped.p, &stopped, patch, false, &res, dg);
		if (r < 0)
			stop_release(&stopped);
	}
	proc_close(stopped.p);
	return r;
}

/* A command that stops itself takes this process along, as if it were not there. */
static void wait_for(int pid, int *status)
{
	while (waitpid(pid, status, WUNTRACED) < 0 ? errno == EINTR : WIFSTOPPED(*status))
		if (WIFSTOPPED(*status))
			raise(SIGSTOP);
}

int live_run(struct arena *a, const struct patch_request *patch, char **argv, int *status,
	     struct diags *dg)
{
	struct handlers h;
	int pid = -1, report = -1, err = 0, r = start(argv, &pid, &report, dg);

	if (r < 0)
		return r;
	child = pid;
	catch_signals(&h);
	if (!run_until_event(pid, PTRACE_EVENT_EXEC, status)) {
		r = read(report, &err, sizeof(err)) == sizeof(err)
			    ? diag(dg, DIAG_E001, at_file(argv[0]), "%s", strerror(err)) : 0;
	} else {
		r = attach(a, pid, patch, status, dg);
		if (r < 0)
			kill(pid, SIGKILL);
		if (r <= 0)
			wait_for(pid, status);
		r = r > 0 ? 0 : r;
	}
	close(report);
	child = 0;
	restore_signals(&h);
	return r;
}
