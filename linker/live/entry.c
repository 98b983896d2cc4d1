/* SPDX-License-Identifier: MIT */
#include "entry.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

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

/* Goes on to the trap, passing signals; false when the process ends first. */
static bool run_to_trap(int pid, int *status)
{
	while (waitpid(pid, status, __WALL) == pid && WIFSTOPPED(*status)) {
		int event = *status >> 16;

		if (!event && WSTOPSIG(*status) == SIGTRAP)
			return true;
		ptrace(PTRACE_CONT, pid, NULL, (void *)(intptr_t)(event ? 0 : WSTOPSIG(*status)));
	}
	return false;
}

int entry_reach(struct proc *p, int *status, struct diags *dg)
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
	if (!run_to_trap(p->pid, status))
		return 1;
	proc_write(p, entry, &was, 1);
	if (ptrace(PTRACE_GETREGS, p->pid, NULL, &u))
		return 1;
	if (u.rip == entry + 1)
		u.rip = entry;
	ptrace(PTRACE_SETREGS, p->pid, NULL, &u);
	return 0;
}

