/* SPDX-License-Identifier: MIT */
#include "stop.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

enum {
	STOP_SECONDS = 5,	/* a thread in the kernel may need a while */
	RELEASE_SECONDS = 1,
	ROUNDS = 1000,		/* of looking for new threads */
	EVENT_SHIFT = 16,
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Most threads stop within microseconds: no sleep at first. */
static void pause_a_little(unsigned round)
{
	struct timespec t = { 0, round < 100 ? 20000 : 1000000 };

	nanosleep(&t, NULL);
}

/* 1 and the status, 0 when nothing came before `end`, -1 when there is no such thread of ours. */
static int wait_until(int tid, double end, int *status)
{
	for (unsigned i = 0;; i++) {
		int r = waitpid(tid, status, __WALL | WNOHANG);

		if (r == tid)
			return 1;
		if (r < 0 && errno != EINTR)
			return -1;
		if (now() > end)
			return 0;
		pause_a_little(i);
	}
}

static bool read_regs(struct stopped_thread *t)
{
	return !ptrace(PTRACE_GETREGS, t->tid, NULL, &t->regs);
}

int stop_see(struct stopped_thread *t, int status)
{
	int event = status >> EVENT_SHIFT;

	if (!WIFSTOPPED(status))
		return -1;
	if (event == PTRACE_EVENT_EXEC)
		t->execed = true;
	else if (event && event != PTRACE_EVENT_STOP) {	/* it has started another; still to stop */
		ptrace(PTRACE_CONT, t->tid, NULL, NULL);
		return 0;
	}
	t->sig = event ? 0 : WSTOPSIG(status);
	t->at_call = event == PTRACE_EVENT_EXEC;
	t->grouped = event == PTRACE_EVENT_STOP && WSTOPSIG(status) != SIGTRAP;
	t->stopped = true;
	return read_regs(t) ? 1 : -1;
}

/* 1: it stands; 0: not in time; -1: it has ended. */
static int wait_for_stop(struct stopped_thread *t, double end)
{
	for (;;) {
		int status, r = wait_until(t->tid, end, &status);

		if (r <= 0)
			return r;
		r = stop_see(t, status);
		if (r)
			return r;
		ptrace(PTRACE_INTERRUPT, t->tid, NULL, NULL);	/* any stop takes back the wish for one */
	}
}

bool stop_again(struct stopped_thread *t)
{
	int r = wait_for_stop(t, 0);

	if (!r) {
		ptrace(PTRACE_INTERRUPT, t->tid, NULL, NULL);
		r = wait_for_stop(t, now() + STOP_SECONDS);
	}
	return r > 0;
}

bool stop_put_regs(struct stopped_thread *t)
{
	if (t->dirty && ptrace(PTRACE_SETREGS, t->tid, NULL, &t->regs))
		return false;
	t->dirty = false;
	return true;
}

static struct stopped_thread *find(struct stopped *s, int tid)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->t[i].tid == tid)
			return &s->t[i];
	return NULL;
}

static void remove_thread(struct stopped *s, struct stopped_thread *t)
{
	*t = s->t[--s->n];
}

/* Some that are listed have no more than a number. */
static bool has_ended(int tid)
{
	char state = proc_state(tid);

	return !state || state == 'Z' || state == 'X';
}

/* Asks the threads that are not known yet to stop.  Returns how many, or the errno of what
 * was not permitted, negative. */
static int seize_new(struct stopped *s)
{
	char path[64];
	struct dirent *e;
	int n = 0, err = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", s->p->pid);
	d = opendir(path);
	while (d && !err && (e = readdir(d))) {
		int tid = atoi(e->d_name);
		bool ours;

		if (tid <= 0 || find(s, tid))
			continue;
		if (ptrace(PTRACE_SEIZE, tid, NULL, STOP_OPTIONS | s->options)) {
			err = errno;
			/* Started by a thread of ours, it came to us by itself. */
			ours = err == EPERM && proc_status(tid, "TracerPid") == getpid();
			if (!ours) {
				err = err == ESRCH || has_ended(tid) ? 0 : err;
				continue;
			}
			err = 0;
		} else {
			ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
		}
		*ARENA_PUSH(s->arena, s->t, s->n, s->cap) = (struct stopped_thread){ .tid = tid };
		n++;
	}
	if (d)
		closedir(d);
	return err ? -err : d ? n : -ESRCH;
}

static int wait_for_all(struct stopped *s, double end, struct diags *dg)
{
	for (size_t i = 0; i < s->n;) {
		struct stopped_thread *t = &s->t[i];
		int r = t->stopped ? 1 : wait_for_stop(t, end);

		if (!r)
			return diag(dg, DIAG_P303, at_file(s->p->name), "thread %d does not leave the kernel",
				    t->tid);
		if (r < 0)
			remove_thread(s, t);
		else
			i++;
	}
	return 0;
}

/* Those that went on traced. */
static void interrupt_known(struct stopped *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (!s->t[i].stopped)
			ptrace(PTRACE_INTERRUPT, s->t[i].tid, NULL, NULL);
}

static void hold_signals(struct stopped *s)
{
	sigset_t all;

	sigfillset(&all);
	if (!s->held)
		s->held = !sigprocmask(SIG_BLOCK, &all, &s->mask);
}

int stop_all(struct stopped *s, struct diags *dg)
{
	double end = now() + STOP_SECONDS;
	int n, r = 0;

	hold_signals(s);
	interrupt_known(s);
	r = wait_for_all(s, end, dg);
	for (unsigned round = 0; round < ROUNDS && r >= 0; round++) {
		n = seize_new(s);
		if (n < 0 && n != -ESRCH)
			r = diag(dg, DIAG_P301, at_file(s->p->name), "%s",
				 n == -EPERM ? "another process traces it" : strerror(-n));
		if (n <= 0)
			break;
		r = wait_for_all(s, end, dg);
	}
	if (!r && !s->n)
		r = diag(dg, DIAG_P300, at_file(s->p->name), "it has ended");
	if (r < 0)
		stop_refused(s);
	return r;
}

bool stop_add(struct stopped *s, int tid)
{
	struct stopped_thread *t = ARENA_PUSH(s->arena, s->t, s->n, s->cap);

	*t = (struct stopped_thread){ .tid = tid, .stopped = true, .at_call = true };
	return read_regs(t);
}

void stop_go_on(const struct stopped *s, struct stopped_thread *t)
{
	stop_put_regs(t);
	if (!s->keep)
		ptrace(PTRACE_DETACH, t->tid, NULL, (void *)(intptr_t)t->sig);
	else if (t->grouped)
		ptrace(PTRACE_LISTEN, t->tid, NULL, NULL);
	else
		ptrace(PTRACE_CONT, t->tid, NULL, (void *)(intptr_t)t->sig);
	t->stopped = t->dirty = t->execed = t->at_call = false;
	t->sig = 0;
}

void stop_release(struct stopped *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct stopped_thread *t = &s->t[i];

		/* It can be let go only from a stop, and it is asked for one; else the end of
		 * this program does it.  One that stays traced reports by itself. */
		if (t->stopped || (!s->keep && wait_for_stop(t, now() + RELEASE_SECONDS) > 0))
			stop_go_on(s, t);
	}
	if (!s->keep)
		s->n = 0;
	if (s->held)
		sigprocmask(SIG_SETMASK, &s->mask, NULL);
	s->held = false;
}

void stop_refused(struct stopped *s)
{
	if (s->unborn)	/* while it stands: let go of first, it would run until the signal arrives */
		kill(s->p->pid, SIGKILL);
	stop_release(s);
}

bool stop_settle(struct stopped_thread *t)
{
	if (!t->stopped || !stop_put_regs(t))
		return false;
	if (!t->sig && !t->at_call)
		return true;
	ptrace(PTRACE_INTERRUPT, t->tid, NULL, NULL);
	t->stopped = false;
	if (ptrace(PTRACE_CONT, t->tid, NULL, (void *)(intptr_t)t->sig))
		return false;
	t->at_call = false;
	return wait_for_stop(t, now() + STOP_SECONDS) > 0;
}
