/* SPDX-License-Identifier: MIT
 *
 * read.h - memory of this process that may not be there, read without harm.
 *
 * Strict: the kernel copies (process_vm_readv; a pipe where that is forbidden), or this thread does, where
 * it is the only one and the kernel has just read from the page.  Fast:
 * plain loads under an exception table of one range, whose faults our SIGSEGV and SIGBUS
 * handler turns into an error.  The payload says which (PAYLOAD_READS_FAST): fast holds
 * only where the handler cannot be lost. */
#ifndef BPFTIME_RUNTIME_READ_H
#define BPFTIME_RUNTIME_READ_H

#include "rt_base.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(hidden)

/* Copies up to `bytes` from address `from` (a user pointer, any value) to `to`.
 * Returns how many bytes before the first unreadable one were copied; to[] behind them is
 * untouched. */
uint64_t rt_read_some(void *to, uint64_t from, uint64_t bytes);

/* All of it, or false. */
RT_INLINE bool rt_read_all(void *to, uint64_t from, uint64_t bytes)
{
	return rt_read_some(to, from, bytes) == bytes;
}

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
