/* SPDX-License-Identifier: MIT
 *
 * stacks.h - the stacks of a stack_trace map, and how often a program has counted each. */
#ifndef BPFTIME_CTL_STACKS_H
#define BPFTIME_CTL_STACKS_H

#include "mapfile.h"

#ifdef __cplusplus
extern "C" {
#endif

struct stack {
	int64_t  id;		/* negative: what bpf_get_stackid() returned instead */
	struct mapfmt_build_id *frame;	/* innermost first; none is MAPFMT_BUILD_ID_EMPTY */
	size_t   n_frame;		/* 0: the map does not have it (any more) */
	bool     counted;	/* it is an entry of `counts`, with: */
	int64_t  count;
	uint32_t pid;		/* 0: the key does not say */
	const char *comm;	/* NULL: nothing says */
};
struct stack_list {
	struct stack *s;	/* without counts by id, else the most frequent first */
	size_t n, cap;
};

/* counts: a map whose keys are or have ids of stacks, and whose values are or begin with a number; NULL: all
 * stacks of the map, not counted.
 * Returns 0, -DIAG_M007, -DIAG_M008 (not such maps). */
int stacks_read(const struct mapfile *m, const struct mapfile *counts, struct arena *a,
		struct stack_list *out, struct diags *dg);

/* The map in m's folder that counts its stacks: the only one whose keys name a stack.
 * Returns 1 when there is one (close it), 0 when none or several. */
int stacks_find_counts(const struct mapdir *d, const struct mapfile *m, struct arena *a, struct mapfile *out);

#ifdef __cplusplus
}
#endif
#endif
