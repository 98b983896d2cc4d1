/* SPDX-License-Identifier: MIT
 *
 * child.h - programs run in a child process with limits: a crash, an endless loop or a
 * write to a wild address is an answer, not the end of the tool. */
#ifndef BPFTIME_AOT_CHILD_H
#define BPFTIME_AOT_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#include "diag.h"

#ifdef __cplusplus
extern "C" {
#endif

struct child_result {
	bool     ok;		/* the program returned */
	uint64_t r0;
	double   ns;		/* per run, when there were several */
	enum diag_code code;	/* else why not */
	char     message[512];
	size_t   detail_at;	/* where in the message what the code does not say begins */
};

struct child_limits {
	unsigned seconds;	/* of CPU; of wall time, twice that */
};

/* Runs fn(arg, result) in a child.  fn fills the result; a child that dies is
 * DIAG_C007, one that takes too long DIAG_E004.  Returns 0, or -DIAG_E003 when no child
 * can be had. */
int child_run(void (*fn)(void *arg, struct child_result *res), void *arg,
	      const struct child_limits *lim, struct child_result *out, struct diags *dg);

/* From here on this process may write, exit, and ask for time and ids: before a program runs that
 * nobody verified. */
void child_confine(void);

#ifdef __cplusplus
}
#endif
#endif
