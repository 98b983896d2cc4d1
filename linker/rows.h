/* SPDX-License-Identifier: MIT
 *
 * rows.h - rows of a hook object's tables (objfmt.h), for the files that read them.
 *
 *     tables.c      the objects, their stamps and externs
 *     map_rows.c    their maps
 *     hook_rows.c   their hooks
 *     rows.c        what is the same of all
 *
 * Pointers are relocations still, or, where the assembler or another linker knew the distance, plain numbers.
 * Functions return a negative code when they have reported something: -DIAG_L005 where nothing else is said. */
#ifndef BPFTIME_LINKER_ROWS_H
#define BPFTIME_LINKER_ROWS_H

#include "lnk.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tables {
	struct lnk        *l;
	struct obj_file   *f;
	struct diags      *dg;
	struct lnk_object *o;	/* the object being read */
	struct lnk_ref     maps;	/* its maps, */
	const char       **map_name;	/* and what each is called */
	bool               allow_unverified;
};

int row_damaged(const struct tables *t, struct lnk_ref at, const char *what);
void row_get(const struct tables *t, struct lnk_ref at, void *dst, size_t n);
/* 0 or -DIAG_L010. */
int row_check_version(const struct tables *t, struct lnk_ref at, uint16_t version, uint16_t size,
		      uint16_t want_version, size_t want_size);

/* Relocations change what has been read of n bytes unless they are of the fields that `pointers` names: bit i for the
 * i-th 4 bytes of the row. */
int row_check_untouched(const struct tables *t, struct lnk_ref at, uint64_t n, uint64_t pointers);
#define ROW_POINTER(row_, field_) (1ull << offsetof(struct row_, field_) / 4)

/* Where a self-relative field leads.  0: nowhere (*out zeroed), 1: *out, or negative. */
int row_follow(const struct tables *t, struct lnk_ref row, size_t field, int32_t value,
	       struct lnk_ref *out);
/* The same, to n constant bytes. */
int row_follow_const(const struct tables *t, struct lnk_ref row, size_t field, int32_t value,
		     uint64_t n, struct lnk_ref *out);
/* The same, to a string; negative also when there is none. */
int row_follow_str(const struct tables *t, struct lnk_ref row, size_t field, int32_t value,
		   size_t max, const char **out);
#define ROW_FIELD(row_, name_) offsetof(__typeof__(row_), name_), (row_).name_	/* field and value of these */

int row_check_slot(const struct tables *t, struct lnk_ref at, struct lnk_ref slot);
bool row_is_file_name(const char *s);	/* names become those of files */

/* Reads and checks the map at `at`, and what it is called; adds the hook there to the lnk. */
int lnk_read_map(struct tables *t, struct lnk_ref at, const char **name);
int lnk_read_hook(struct tables *t, struct lnk_ref at);

#ifdef __cplusplus
}
#endif
#endif
