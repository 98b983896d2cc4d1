/* SPDX-License-Identifier: MIT
 *
 * remote.h - system calls made by a stopped thread of another process.
 *
 * The thread runs a few bytes (stub.h) in a place of its executable memory that nothing uses: behind the
 * end of a segment, in the rest of its last page.  There stand the call and what leads back to
 * where the thread was, with all its registers: should this program be killed in the middle,
 * the thread finishes that and goes on by itself.  Nothing is written to its stack that is
 * not below the red zone, and nothing at all while this program lives. */
#ifndef BPFTIME_LINKER_LIVE_REMOTE_H
#define BPFTIME_LINKER_LIVE_REMOTE_H

#include "stop.h"
#include "stub.h"

#ifdef __cplusplus
extern "C" {
#endif

struct remote {
	struct stopped *s;
	struct stopped_thread *t;	/* the one that makes the calls */
	uint64_t cave;
	uint8_t  before[STUB_BYTES];	/* what is there */
};

/* Puts right what a killed patcher has left, and chooses thread and place.  `module`: those whose images
 * are read; the vDSO serves as well.  Returns 0; 1 when r->t has to go on a little first, which is in a signal
 * handler above such a call; or -DIAG_P304. */
int remote_begin(struct remote *r, struct stopped *s, const struct proc_module *module,
		 size_t n_module, struct diags *dg);

/* Returns what the call does; -ESRCH when the process has ended; -EAGAIN when the result is not known, and the
 * thread is where it was.  Else it stands behind the call until the next one, or remote_end(). */
int64_t remote_call(struct remote *r, int nr, const uint64_t arg[6]);

/* Puts the thread where it was, and the bytes back. */
void remote_end(struct remote *r);

/* Room for STUB_BYTES of code in the vDSO; 0: there is none. */
uint64_t remote_vdso_rest(const struct proc *p);

#ifdef __cplusplus
}
#endif
#endif
