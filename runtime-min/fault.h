/* SPDX-License-Identifier: MIT
 *
 * fault.h - loads that may fault, and the handler that makes them return. */
#ifndef BPFTIME_RUNTIME_FAULT_H
#define BPFTIME_RUNTIME_FAULT_H

#include "rt_base.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(hidden)

/* 1 when the handlers are in place, so that guarded code may run. */
extern uint32_t bpftime_rt1_guarded;

/* Guarded code, in sections of this name of hook objects and of the archive: a fault at an
 * address in [begin, end) goes on at fixup, with every register as the faulting instruction
 * found it. */
struct rt_guarded {
	int32_t begin_rel, end_rel, fixup_rel;	/* each from its own place */
};
extern const struct rt_guarded __start_bpftime_guarded[], __stop_bpftime_guarded[];

/* Installs our SIGSEGV and SIGBUS handlers in front of the application's, unless the
 * program was started with one of these signals blocked: its mask. */
void rt_fault_setup(uint64_t blocked);

/* arch/<cpu>/copy.S: copies forwards, also onto what lies before; returns how many bytes were not copied. */
uint64_t rt_copy_faultable(void *to, uint64_t from, uint64_t bytes);
void rt_sigreturn(void);	/* what a signal handler returns to */

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
