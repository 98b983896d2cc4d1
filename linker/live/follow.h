/* SPDX-License-Identifier: MIT
 *
 * follow.h - hooks for what a process becomes: its children, the programs they execute, the
 * libraries they load.
 *
 * The processes stay traced.  A fork inherits the hooks with the memory; an exec is stopped
 * at the new program's entry and attached to; libraries are seen by looking at the maps some ten times a
 * second, since a breakpoint in the dynamic linker would outlive a killed tracer. */
#ifndef BPFTIME_LINKER_LIVE_FOLLOW_H
#define BPFTIME_LINKER_LIVE_FOLLOW_H

#include <sys/ptrace.h>

#include "live.h"
#include "stop.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { FOLLOW_OPTIONS = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC };

struct follow;

struct follow *follow_new(struct arena *a, const struct patch_request *patch, struct diags *dg);

/* Attaches to the process and keeps tracing it.  stopped: NULL, or a thread of it that the
 * caller has stopped (its p opened).  Returns what live_attach returns; on error the process is
 * let go. */
int follow_attach(struct follow *f, int pid, struct stopped *stopped, struct live_result *out);

/* Until SIGINT or SIGTERM, or the last process has ended; with main_pid > 0 (a child of this
 * one) until that has ended: then *status is how.  What still runs is let go, and unless `keep`
 * its hooks are taken out. */
void follow_loop(struct follow *f, int main_pid, bool keep, int *status);

#ifdef __cplusplus
}
#endif
#endif
