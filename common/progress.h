/* SPDX-License-Identifier: MIT
 *
 * progress.h - what takes longer than a second says on the terminal what it is at: one line on
 * stderr, which the next one overwrites and the end takes away.
 *
 * A thread of its own draws it, so a step that does nothing but work is shown as well.  The line is
 * the terminal's, so there is one a process; until main() starts it all calls do nothing. */
#ifndef BPFTIME_COMMON_PROGRESS_H
#define BPFTIME_COMMON_PROGRESS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* From main(), when people read the output: nothing happens unless stderr is a terminal. */
void progress_start(void);

/* What is done from now on: "reading libx.so". */
void progress_step(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* How much of it; of what, 0: nobody knows.  Cheap, in a loop. */
void progress_count(uint64_t done, uint64_t of);

/* Around what is written to the terminal meanwhile (diag() does): the line gives way. */
void progress_hold(void);
void progress_go_on(void);

/* The line is gone, and does not come again. */
void progress_end(void);

#ifdef __cplusplus
}
#endif
#endif
