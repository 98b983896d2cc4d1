/* SPDX-License-Identifier: MIT
 *
 * btf_walk.h - loads from structures that BTF describes. */
#ifndef BPFTIME_BTF_WALK_H
#define BPFTIME_BTF_WALK_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct btf;

enum btf_walk {
	BTF_WALK_NUMBER,
	BTF_WALK_POINTER,	/* to structure *next, 0: to anything else */
	BTF_WALK_BEYOND,	/* the structure has not so many bytes */
	BTF_WALK_NOTHING,	/* no one member is there */
	BTF_WALK_PART,		/* of a pointer */
	BTF_WALK_INSIDE,	/* (a structure in the structure: never returned) */
};

/* A structure or union? */
bool btf_walk_is_struct(const struct btf *btf, uint32_t id);
/* What a load of `bytes` bytes at `off` of structure `id` gives. */
enum btf_walk btf_walk(const struct btf *btf, uint32_t id, uint32_t off, uint32_t bytes, uint32_t *next);

#ifdef __cplusplus
}
#endif
#endif
