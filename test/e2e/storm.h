/* SPDX-License-Identifier: MIT
 *
 * storm.h - what storm.bpf.c counts, and storm.cpp compares. */
#ifndef TEST_E2E_STORM_H
#define TEST_E2E_STORM_H

enum {
	STORM_KEYS = 64, STORM_RING = 1 << 16,
	STORM_ENOENT = 2, STORM_E2BIG = 7, STORM_ENOMEM = 12, STORM_EBUSY = 16, STORM_EEXIST = 17,
};

/* Places in the map `results`.  Where three follow each other: done, refused, -EBUSY. */
enum {
	STORM_CALLS, STORM_WRONG, STORM_NOT_COUNTED, STORM_NOT_COUNTED_CPU, STORM_SENT, STORM_DROP,
	STORM_COUNT_BUSY,
	STORM_INSERT = 8, STORM_DELETE = 12, STORM_LRU = 16,
	STORM_QUEUE = 20,	/* push 20..22, pop 23..25, sum 26 */
	STORM_STACK = 28,	/* the same */
	STORM_COUNTS = 36,
};

struct storm_record {
	unsigned long long id, check;
};

#endif
