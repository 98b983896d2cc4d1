/* SPDX-License-Identifier: MIT
 *
 * entry.h - from an exec to the program's first instruction. */
#ifndef BPFTIME_LINKER_LIVE_ENTRY_H
#define BPFTIME_LINKER_LIVE_ENTRY_H

#include "stop.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The process stands at its exec, traced.  The dynamic linker does its work up to the program's entry;
 * threads and children that start meanwhile are not traced.  When this program is killed on the way the process
 * goes on without a trace of it.  options: PTRACE_O_*, from then on.  Returns 0; 1 when the process has ended,
 * *status then being how; -DIAG_P300 or -DIAG_P304. */
int entry_reach(struct proc *p, int options, int *status, struct diags *dg);

#ifdef __cplusplus
}
#endif
#endif
