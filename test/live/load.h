/* SPDX-License-Identifier: MIT
 *
 * load.h - what load.c and the test share. */
#ifndef TEST_LIVE_LOAD_H
#define TEST_LIVE_LOAD_H

enum {
	LOAD_THREADS = 8, LOAD_CALLS = 1000,
	LOAD_RUN = 0, LOAD_REST = 1, LOAD_EXACT = 2, LOAD_KINDS = 4,
	LOAD_END = 0x7fffffff,	/* a kind of its own: 3 */
};

struct load {
	unsigned order;	/* kind + LOAD_KINDS * number of the order */
	unsigned ready;
	unsigned long signals;
	unsigned done[LOAD_THREADS];	/* the order that each thread has carried out */
};

#endif
