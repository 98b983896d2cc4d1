/* SPDX-License-Identifier: MIT
 *
 * queue.h - layout of queues and stacks; docs/maps.md has the protocol.
 *
 *     struct rt_queue        64 bytes
 *     slots[n + 1]           a stride each */
#ifndef BPFTIME_RUNTIME_QUEUE_H
#define BPFTIME_RUNTIME_QUEUE_H

#include "kinds.h"

struct rt_queue {
	uint64_t lock;
	uint64_t ends;		/* head << 32 | tail: slots [tail, head) mod n + 1 are full */
	uint64_t reserved[6];
};

#pragma GCC visibility push(hidden)
/* Takes (or, with keep, only copies) the value that is next.  0, -ENOENT, -EBUSY; then the value
 * is 0. */
int rt_queue_get(rt_map m, void *base, void *value, bool keep);
#pragma GCC visibility pop

#endif
