/* SPDX-License-Identifier: MIT
 *
 * shared_timers.h - what shared_timers.c asks of its hook. */
#ifndef SHARED_TIMERS_H
#define SHARED_TIMERS_H

enum { OP_START, OP_CANCEL, OP_DELETE, OP_UPDATE, OP_LOOK, N_OPS };

struct said {
	long long r;
	unsigned long long fired, by;
};

#endif
