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

/* True when the handlers are in place, so that rt_copy_faultable() may be called. */
bool rt_fault_handled(void);

/* Installs our SIGSEGV and SIGBUS handlers in front of the application's, unless the
 * program was started with one of these signals blocked: its mask. */
void rt_fault_setup(uint64_t blocked);

/* arch/<cpu>/copy.S: copies forwards; returns how many bytes were not copied. */
uint64_t rt_copy_faultable(void *to, uint64_t from, uint64_t bytes);
extern const char rt_copy_begin[], rt_copy_end[], rt_copy_fixup[];
void rt_sigreturn(void);	/* what a signal handler returns to */

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
