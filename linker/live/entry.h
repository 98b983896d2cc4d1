/* SPDX-License-Identifier: MIT
 *
 * entry.h - from an exec to the program's first instruction. */
#ifndef BPFTIME_LINKER_LIVE_ENTRY_H
#define BPFTIME_LINKER_LIVE_ENTRY_H

#include "stop.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The process stands at its exec.  The dynamic linker does its work up to the program's entry,
 * where a trap stands for that long.  Returns 0; 1 when the process has ended, *status then being how;
 * -DIAG_P300 or -DIAG_P304. */
int entry_reach(struct proc *p, int *status, struct diags *dg);

#ifdef __cplusplus
}
#endif
#endif
