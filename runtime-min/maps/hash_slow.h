/* SPDX-License-Identifier: MIT
 *
 * hash_slow.h - steps that the slow and the process-side operations share. */
#ifndef BPFTIME_RUNTIME_HASH_SLOW_H
#define BPFTIME_RUNTIME_HASH_SLOW_H

#include "hash.h"

#pragma GCC visibility push(hidden)
/* Takes bucket b's lock and repairs it.  0 or -EBUSY. */
int rt_hash_enter(rt_map m, void *base, uint32_t b, uint64_t me);
/* Finishes what a dead owner left; b is locked.  0 or -EBUSY. */
int rt_hash_repair(rt_map m, void *base, uint32_t b, uint64_t me);
#pragma GCC visibility pop

#endif
