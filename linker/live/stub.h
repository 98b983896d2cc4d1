/* SPDX-License-Identifier: MIT
 *
 * stub.h - the code with which a thread of another process makes a system call.
 *
 *     syscall | a wait of some 10 to 100 ms | all registers as they were, and back
 *
 * The thread is asked to stop while it waits, a stop that leaves no trace.  (One at the call itself, a
 * breakpoint or a single step is a SIGTRAP that the thread gets when its tracer dies.)  Should the
 * tracer be killed the wait ends, and the thread goes on where it was.  A later tracer knows
 * the code by its form, and where a thread in it was. */
#ifndef BPFTIME_LINKER_LIVE_STUB_H
#define BPFTIME_LINKER_LIVE_STUB_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/user.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { STUB_BYTES = 136, STUB_CALL_BYTES = 2 };

/* For a thread whose registers are `u`. */
void stub_put(uint8_t out[STUB_BYTES], const struct user_regs_struct *u);
bool stub_is(const uint8_t code[STUB_BYTES]);

/* A thread that runs the stub has got `off` bytes into it.  Has the call returned, and is its result still in
 * rax? */
bool stub_returned(uint64_t off);
/* Its registers, were it through.  false: it cannot stand there. */
bool stub_finish(const uint8_t code[STUB_BYTES], uint64_t off, struct user_regs_struct *u);

#ifdef __cplusplus
}
#endif
#endif
