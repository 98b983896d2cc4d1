/* SPDX-License-Identifier: MIT
 *
 * tables.h - the tables of a hook object (objfmt.h) as LLVM globals. */
#ifndef BPFTIME_COMPILER_LOWER_TABLES_H
#define BPFTIME_COMPILER_LOWER_TABLES_H

#include "lower.h"

struct table table_new(struct lower *l, const char *name, const char *section, size_t bytes,
		       const size_t *rel, size_t n_rel);
/* target[i]: what field i points at, or NULL for "none". */
void table_fill(struct table *t, const void *bytes, const LLVMValueRef *target);
/* Address of the byte at off. */
LLVMValueRef table_at(const struct table *t, size_t off);

/* A NUL-terminated string in .bpftime.str. */
LLVMValueRef table_str(struct lower *l, const char *s);

/* Names a global that the optimiser must keep, and must not believe to know all uses of. */
void lower_keep(struct lower *l, LLVMValueRef global);
/* Writes what lower_keep() collected into the module; once, before optimising. */
void lower_keep_done(struct lower *l);

/* .bpftime.object, empty so far: maps refer to it. */
void tables_open(struct lower *l);
/* .bpftime.maps; sets l->map[].desc. */
void tables_maps(struct lower *l);

/* The row of extern i, empty so far. */
LLVMValueRef tables_extern(struct lower *l, size_t i);

/* .bpftime.hooks, .bpftime.stamp, .BTF, and the object's own row. */
void tables_close(struct lower *l, const struct objfmt_stamp *stamp);

#endif
