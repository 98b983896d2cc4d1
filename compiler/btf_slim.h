/* SPDX-License-Identifier: MIT
 *
 * btf_slim.h - what of a program's BTF a payload carries: the types that tools print maps and
 * records by.
 *
 * Kept are the types of keys and values, of global data, and all types that have a name and are not
 * only part of a program's context; and all that these refer to.  Functions, definitions of maps
 * and the text of the source stay at home. */
#ifndef BPFTIME_COMPILER_BTF_SLIM_H
#define BPFTIME_COMPILER_BTF_SLIM_H

#include "unit.h"

#ifdef __cplusplus
extern "C" {
#endif

struct btf_slim {
	struct bytes    raw;	/* n == 0: none */
	const uint32_t *id;	/* by id in the unit's BTF: id in raw, 0: it is not there */
	uint32_t        n;	/* ids */
};

/* In `a`. */
struct btf_slim btf_slim(struct arena *a, const struct unit *u);
static inline uint32_t btf_slim_id(const struct btf_slim *s, uint32_t id)
{
	return id < s->n ? s->id[id] : 0;
}

#ifdef __cplusplus
}
#endif
#endif
