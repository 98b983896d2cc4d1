/* SPDX-License-Identifier: MIT
 *
 * ring_slow.h - steps that producers and consumers share. */
#ifndef BPFTIME_RUNTIME_RING_SLOW_H
#define BPFTIME_RUNTIME_RING_SLOW_H

#include "ring.h"

#pragma GCC visibility push(hidden)
/* Discards the oldest unfinished records as long as their owners are dead.  Under the lock. */
void rt_ring_reap(rt_map m, void *base, uint64_t me);
/* Behind the exchange that finished a record: wakes a consumer if it waits for this one. */
void rt_ring_notify(rt_map m, void *base, const void *sample, uint64_t flags);
#pragma GCC visibility pop

#endif
