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

/* Puts a sample into a user ring buffer.  Returns 0, -DIAG_M008 (another kind of map), -DIAG_M007
 * (no room, too big, or a process holds a lock in it), -DIAG_M002 (positions make no sense). */
int ring_push(const struct mapfile *m, const void *data, size_t bytes, struct diags *dg);

/* Sleeps until there is a record, or a signal came. */
int ring_wait(const struct mapfile *m, struct diags *dg);

#ifdef __cplusplus
}
#endif
#endif
