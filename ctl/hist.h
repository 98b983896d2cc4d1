/* SPDX-License-Identifier: MIT
 *
 * hist.h - log2 histograms: slot i counts the values v with 2^i <= v < 2^(i+1), slot 0 counts
 * 0 as well. */
#ifndef BPFTIME_CTL_HIST_H
#define BPFTIME_CTL_HIST_H

#include <stdint.h>
#include <stdio.h>

#include "arena.h"
#include "json.h"
#include "mapfile.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { HIST_MAX_SLOTS = 64 };

struct hist {
	const uint8_t *key;	/* of the entry that holds it; NULL: the map is one histogram */
	uint64_t slot[HIST_MAX_SLOTS];
	unsigned n;		/* slots the map has */
};
struct hist_list {
	struct hist *hist;
	size_t n, cap;
};

/* The histograms in a map: one when it is an array of at most 64 numbers, one an entry when its
 * values are (or are a struct whose only array is) arrays of u32 or u64.  CPUs are added up.
 * Returns 0, -DIAG_M007, -DIAG_M008 (not histograms). */
int hist_read(const struct mapfile *m, struct arena *a, struct hist_list *out, struct diags *dg);

/* Rows from the first to the last slot that is not 0. */
void hist_text(FILE *out, const struct hist *h);
/* [{"low":0,"high":1,"count":3},..] */
void hist_json(struct json *j, const char *key, const struct hist *h);

#ifdef __cplusplus
}
#endif
#endif
