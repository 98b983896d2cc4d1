/* SPDX-License-Identifier: MIT
 *
 * seccomp.h - what a process's seccomp filters say about the system calls that attaching makes
 * in it.  A call that they end the process for must not even be tried. */
#ifndef BPFTIME_LINKER_LIVE_SECCOMP_H
#define BPFTIME_LINKER_LIVE_SECCOMP_H

#include "stop.h"

#ifdef __cplusplus
extern "C" {
#endif

/* With all threads stopped: does every filter of thread `t` allow the calls that attaching makes (at `ip`), and
 * none end the process for those of the runtime?  Nor may the program handle its system calls itself
 * (PR_SET_SYSCALL_USER_DISPATCH).  Returns 0 or -DIAG_P304. */
int seccomp_check(struct stopped *s, const struct stopped_thread *t, uint64_t ip, struct diags *dg);

#ifdef __cplusplus
}
#endif
#endif
