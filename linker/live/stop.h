/* SPDX-License-Identifier: MIT
 *
 * stop.h - all threads of a process at rest, and going on as if nothing had been.
 *
 * PTRACE_SEIZE and PTRACE_INTERRUPT: no signal is made, a system call that waits is
 * interrupted and restarted by the kernel, a stopped process stays stopped.  The kernel lets
 * all go on by itself when this program ends, however it ends; PTRACE_O_EXITKILL is never set. */
#ifndef BPFTIME_LINKER_LIVE_STOP_H
#define BPFTIME_LINKER_LIVE_STOP_H

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#include "proc.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { STOP_OPTIONS = PTRACE_O_TRACECLONE | PTRACE_O_TRACESYSGOOD };

struct stopped_thread {
	int  tid;
	bool stopped;	/* in a ptrace stop, where regs are what they will go on with */
	bool grouped;	/* its process is stopped (SIGSTOP), and stays so */
	bool at_call;	/* the stop is in a system call, an exec */
	bool execed;	/* the stop is that of an exec: nothing known of the process holds */
	int  sig;	/* it stands in front of this signal, which it gets when it goes on */
	bool dirty;	/* regs have been changed and are to be written back */
	struct user_regs_struct regs;
};

struct stopped {
	struct proc *p;
	struct arena *arena;
	bool keep;	/* let go of, they stay traced */
	bool unborn;	/* a command in front of its first instruction: it has hooks or does not begin */
	int  options;	/* PTRACE_O_* beyond what this needs itself */
	struct stopped_thread *t;
	size_t n, cap;
	bool held;	/* signals to this program wait: it neither ends nor stops while others stand still */
	sigset_t mask;	/* what was blocked before */
};

/* Stops every thread, also those that are started meanwhile, and those that s has already.
 * Returns 0, -DIAG_P300, -DIAG_P301, or -DIAG_P303 when one does not stop in time; then all go on
 * already. */
int stop_all(struct stopped *s, struct diags *dg);

/* All go on; signals that were held are delivered. */
void stop_release(struct stopped *s);

/* The same when something was refused; but a command that has not begun ends, and never runs. */
void stop_refused(struct stopped *s);

/* A thread that goes on is stopped again, unless it stands by itself already: a wish to stop that comes
 * too late would be one for the next time.  false: it is gone, or does not stop within some seconds. */
bool stop_again(struct stopped_thread *t);

/* Writes back what has been changed.  A stopped thread goes on with that also when this program is
 * killed.  false: it has ended. */
bool stop_put_regs(struct stopped_thread *t);

/* The thread has reported `status`: is that a stop to leave it in?  1 yes, 0 no, and it goes on; -1: it has
 * ended. */
int stop_see(struct stopped_thread *t, int status);
/* One that is in such a stop goes on. */
void stop_go_on(const struct stopped *s, struct stopped_thread *t);

/* Brings a stopped thread to a stop from which the kernel treats its registers as those of an
 * interrupted program: signals are delivered, system calls restarted.  A held signal's handler
 * may be entered by that.  false: it has ended. */
bool stop_settle(struct stopped_thread *t);

/* A thread that the caller has seized already, in a stop of any kind; a signal that it may stand
 * in front of is dropped.  false: it has ended. */
bool stop_add(struct stopped *s, int tid);

#ifdef __cplusplus
}
#endif
#endif
