/* SPDX-License-Identifier: MIT
 *
 * run.h - a command with hooks from its first instruction on, its file untouched. */
#ifndef BPFTIME_LINKER_LIVE_RUN_H
#define BPFTIME_LINKER_LIVE_RUN_H

#include "live.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Starts argv, lets the dynamic linker load its libraries, attaches at the program's entry,
 * and waits for its end.  Signals that are sent to this process go to the command; what the
 * terminal sends it has already.  *status is the command's, as of waitpid().
 * Returns 0, -DIAG_E001 when it cannot be started, or what live_attach returns: then nothing of
 * the command has run but constructors of libraries. */
struct run_request {
	const struct patch_request *patch;
	char **argv;
	bool follow, keep;	/* follow.h: until the command ends */
};
int live_run(struct arena *a, const struct run_request *req, int *status, struct diags *dg);

#ifdef __cplusplus
}
#endif
#endif
