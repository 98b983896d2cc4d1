/* SPDX-License-Identifier: MIT
 *
 * user_ring.h - a ring buffer that processes write to. */
#ifndef USER_RING_H
#define USER_RING_H

#include "dynptr.h"

enum { USER_RINGBUF = 31 };	/* not in the samples' vmlinux.h */

struct {
	__uint(type, USER_RINGBUF);
	__uint(max_entries, 4096);
} samples SEC(".maps");

#endif
