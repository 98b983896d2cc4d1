/* SPDX-License-Identifier: MIT
 *
 * run.c - start, stop at the entry, attach, let go, wait. */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "entry.h"
#include "follow.h"
#include "part.h"

enum { EXIT_NO_EXEC = 127 };

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
	ssize_t n;
	char c;
	int err;

	while ((n = read(go, &c, 1)) < 0 && errno == EINTR)
		;
	if (n != 1)	/* nobody is there any more */
		_exit(EXIT_NO_EXEC);
	execvp(argv[0], argv);
	err = errno;
	if (write(report, &err, sizeof(err)) < 0)
		_exit(EXIT_NO_EXEC);
	_exit(EXIT_NO_EXEC);
}

static int start(const struct run_request *req, int *pid, int *report, struct diags *dg)
{
	char **argv = req->argv;
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
	if (*pid > 0 && ptrace(PTRACE_SEIZE, *pid, NULL, PTRACE_O_TRACEEXEC)) {
		kill(*pid, SIGKILL);
		waitpid(*pid, NULL, 0);
		*pid = -1;
	}
	if (*pid > 0 && write(go[1], "", 1) != 1)
		*pid = -1;
	close(go[1]);
	if (*pid < 0) {
		close(*report);
		return diag(dg, DIAG_P301, at_file(argv[0]), "%s", strerror(errno));
	}
	return 0;
}

/* Goes on to its exec, passing signals; false when it ends first. */
static bool run_to_exec(int pid, int *status)
{
	while (waitpid(pid, status, __WALL) == pid && WIFSTOPPED(*status)) {
		int event = *status >> 16;

		if (event == PTRACE_EVENT_EXEC)
			return true;
		ptrace(PTRACE_CONT, pid, NULL, (void *)(intptr_t)(event ? 0 : WSTOPSIG(*status)));
	}
	return false;
}

static void warn(void *arg, const char *path, const char *text)
{
	diag_warn(arg, at_file(path), "%s", text);
}

/* With the process in front of its first instruction.  *f: set when it is followed. */
static int attach(struct arena *a, int pid, const struct run_request *req, struct follow **f, int *status,
		  struct diags *dg)
{
	struct stopped stopped = { .arena = a, .unborn = true };
	struct live_result res;
	int r = proc_open(a, pid, &stopped.p, dg);

	if (r < 0)
		return r;
	r = entry_reach(stopped.p, STOP_OPTIONS | (req->follow ? FOLLOW_OPTIONS : 0), status, dg);
	if (!r)
		r = proc_refresh(stopped.p, dg);
	if (!r)
		stop_add(&stopped, pid);
	if (!r && req->follow) {
		*f = follow_new(a, req->patch, dg);
		r = follow_attach(*f, pid, &stopped, &res);
	} else if (!r) {
		r = live_attach_to(stopped.p, &stopped, req->patch, false, NULL, &res, dg);
		if (r < 0)
			stop_refused(&stopped);
		else
			live_tell_refused(&res, warn, dg);
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

int live_run(struct arena *a, const struct run_request *req, int *status, struct diags *dg)
{
	struct follow *follow = NULL;
	struct handlers h;
	int pid = -1, report = -1, err = 0, r = start(req, &pid, &report, dg);

	if (r < 0)
		return r;
	child = pid;
	catch_signals(&h);
	if (!run_to_exec(pid, status)) {
		r = read(report, &err, sizeof(err)) == sizeof(err)
			    ? diag(dg, DIAG_E001, at_file(req->argv[0]), "%s", strerror(err)) : 0;
	} else {
		r = attach(a, pid, req, &follow, status, dg);
		if (r < 0)
			kill(pid, SIGKILL);
		if (!r && follow)
			follow_loop(follow, pid, req->keep, status);
		else if (r <= 0)
			wait_for(pid, status);
		r = r > 0 ? 0 : r;
	}
	close(report);
	child = 0;
	restore_signals(&h);
	return r;
}
