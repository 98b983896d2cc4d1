/* SPDX-License-Identifier: MIT
 *
 * ring.h - the one reader of a ring buffer map.
 *
 * Reading takes records out, so a ring has one reader at a time: a second one is refused.
 * The work is the runtime's (rt_maps.h, rt_ringbuf_*). */
#ifndef BPFTIME_CTL_RING_H
#define BPFTIME_CTL_RING_H

#include "mapfile.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ring_record {
	const void *data;	/* in the ring, until ring_done() */
	uint32_t    len;
};

/* Makes this process the reader, until the map is closed.
 * Returns 0, -DIAG_M008 (not a ring buffer), -DIAG_M012 (somebody reads it). */
int ring_open(const struct mapfile *m, struct diags *dg);

/* The oldest finished record.  Returns 1; 0 when there is none; -DIAG_M002 when positions or
 * lengths make no sense. */
int ring_next(const struct mapfile *m, struct ring_record *out, struct diags *dg);
/* Takes out the record that ring_next() gave. */
void ring_done(const struct mapfile *m);

/* Sleeps until there is a record, or a signal came. */
int ring_wait(const struct mapfile *m, struct diags *dg);

#ifdef __cplusplus
}
#endif
#endif
