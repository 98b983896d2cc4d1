/* SPDX-License-Identifier: MIT
 *
 * entry.c - how a program is stopped at its entry without a trace that outlives this one.
 *
 * The dynamic linker goes to where AT_ENTRY on the stack says.  For that time it says: to a few bytes in the
 * vDSO, which make a harmless system call, at which the thread is seen, and jump to the entry.  Should this
 * program be killed at any moment, that is what happens. */
#include "entry.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "emit_x86_64.h"
#include "remote.h"

enum {
	DETOUR_BYTES = 21, AT_CALL = 7,	/* behind the system call */
	WORDS = 1 << 21,	/* of arguments and environment, at most */
	STARTING = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC,
};

struct way {		/* to the entry */
	struct proc *p;
	uint64_t entry, aux;	/* aux: where its address is on the stack */
	uint64_t at;		/* of the detour */
	uint8_t  before[DETOUR_BYTES];
};

static bool word_at(const struct proc *p, uint64_t at, uint64_t *v)
{
	return proc_read(p, at, v, sizeof(*v));
}

/* On the stack of a program that has not begun: argc, argv, NULL, envp, NULL, pairs. */
static bool find_entry(struct way *w, uint64_t sp)
{
	uint64_t v, at;

	if (!word_at(w->p, sp, &v) || v > WORDS)
		return false;
	at = sp + 8 * (v + 2);
	for (unsigned i = 0; i < WORDS && word_at(w->p, at, &v) && v; i++)
		at += 8;
	for (at += 8; word_at(w->p, at, &v) && v != AT_NULL; at += 16)
		if (v == AT_ENTRY) {
			w->aux = at + 8;
			return word_at(w->p, w->aux, &w->entry) && w->entry;
		}
	return false;
}

static bool lay(struct way *w)
{
	uint8_t code[DETOUR_BYTES];
	struct code c = { code, 0, sizeof(code), 0, false };

	w->at = remote_vdso_rest(w->p);
	if (!w->at || !proc_read(w->p, w->at, w->before, sizeof(w->before)))
		return false;
	PUT(&c, 0xb8);				/* mov $getpid, %eax */
	put32(&c, SYS_getpid);
	PUT(&c, 0x0f, 0x05);			/* syscall */
	PUT(&c, 0xff, 0x25, 0, 0, 0, 0);	/* jmp *0(%rip) */
	put64(&c, w->entry);
	return proc_write(w->p, w->at, code, sizeof(code)) && proc_write(w->p, w->aux, &w->at, sizeof(w->at));
}

/* Goes on until it is there, passing signals.  0; 1: it has ended; 2: it has executed something else. */
static int run_there(const struct way *w, int *status)
{
	int pid = w->p->pid, sig = 0;
	struct user_regs_struct u;

	while (!ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(intptr_t)sig) && waitpid(pid, status, __WALL) == pid &&
	       WIFSTOPPED(*status)) {
		int event = *status >> 16;

		sig = 0;
		if (event == PTRACE_EVENT_EXEC)
			return 2;
		if (event)
			continue;
		if (WSTOPSIG(*status) != (SIGTRAP | 0x80))
			sig = WSTOPSIG(*status);
		else if (!ptrace(PTRACE_GETREGS, pid, NULL, &u) && u.rip == w->at + AT_CALL)
			return 0;
	}
	return 1;
}

/* At the call: it returns to the entry, and nothing is left. */
static bool clear(const struct way *w)
{
	struct user_regs_struct u;

	if (ptrace(PTRACE_GETREGS, w->p->pid, NULL, &u))
		return false;
	u.rip = w->entry;
	return !ptrace(PTRACE_SETREGS, w->p->pid, NULL, &u) &&
	       proc_write(w->p, w->aux, &w->entry, sizeof(w->entry)) &&
	       proc_write(w->p, w->at, w->before, sizeof(w->before));
}

int entry_reach(struct proc *p, int options, int *status, struct diags *dg)
{
	struct user_regs_struct u;
	int r = 2;

	/* Its threads and children are nobody's to hold up meanwhile. */
	ptrace(PTRACE_SETOPTIONS, p->pid, NULL, (void *)(intptr_t)STARTING);
	while (r == 2) {
		struct way w = { .p = p };

		if (ptrace(PTRACE_GETREGS, p->pid, NULL, &u))
			return diag(dg, DIAG_P300, at_file(p->name), "%s", strerror(errno));
		if (!find_entry(&w, u.rsp))
			return diag(dg, DIAG_P304, at_file(p->name), "its stack does not say where it begins");
		if (u.rip == w.entry)	/* static: it is there */
			break;
		if (!lay(&w))
			return diag(dg, DIAG_P304, at_file(p->name), "there is no vDSO, or it cannot be written");
		r = run_there(&w, status);
		if (r == 1 || (!r && !clear(&w)))
			return 1;
		if (r == 2 && proc_refresh(p, dg) < 0)
			return 1;
	}
	ptrace(PTRACE_SETOPTIONS, p->pid, NULL, (void *)(intptr_t)options);
	return 0;
}
