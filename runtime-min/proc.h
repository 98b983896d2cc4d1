/* SPDX-License-Identifier: MIT
 *
 * proc.h - what /proc says about processes, and reading memory that may not be there. */
#ifndef BPFTIME_RUNTIME_PROC_H
#define BPFTIME_RUNTIME_PROC_H

#include "rt_base.h"

#pragma GCC visibility push(hidden)

/* Reads this process's own memory; stops at the first page that is not there.
 * Returns bytes read, or -errno (-EFAULT: not even the first). */
int64_t rt_read_self(void *to, uint64_t from, uint64_t bytes);

/* Low RT_START_BITS of the start time of process `tgid`, which must be this process;
 * 0 = not known. */
uint32_t rt_proc_start(uint32_t tgid);

/* The same of thread `tid` of any process, and of the process that it is in. */
uint32_t rt_thread_start(uint32_t tid);
uint32_t rt_process_start(uint32_t tid);

/* The pid namespace of this process as a lock word names it, 0 = not known. */
uint32_t rt_proc_ns(uint32_t tgid);

/* Whole small file.  Returns bytes, cut at `bytes`, or -errno. */
int64_t rt_read_file(const char *path, char *to, uint64_t bytes);

/* The auxiliary vector, type and value by turns, cut at RT_AUXV_WORDS.  Returns how many
 * words there are; 0 when it cannot be had. */
enum { RT_AUXV_WORDS = 128 };
uint64_t rt_auxv(uint64_t aux[RT_AUXV_WORDS]);

/* Is thread `tid` of my namespace, of a process whose start time has `start` in the bits of
 * `mask` (0: any), proved not to run?  Asks tkill(), then /proc. */
bool rt_thread_gone(uint32_t tid, uint32_t start, uint32_t mask);

#pragma GCC visibility pop

#endif
