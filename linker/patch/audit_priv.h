/* SPDX-License-Identifier: MIT
 *
 * audit_priv.h - the looks of an audit, one file each. */
#ifndef BPFTIME_LINKER_PATCH_AUDIT_PRIV_H
#define BPFTIME_LINKER_PATCH_AUDIT_PRIV_H

#include "audit.h"
#include "image_priv.h"
#include "segment.h"

#ifdef __cplusplus
extern "C" {
#endif

struct audit_ctx {
	struct arena *a;
	const struct image *o, *p;	/* original and patched */
	struct segment_saved saved;	/* what the patched file says was changed */
	uint64_t moved_lo, moved_hi;	/* original addresses that moved; empty: equal */
	uint64_t delta;			/* by this much */
	const char *text;		/* the first difference */
};

/* Notes the first difference; always false. */
bool audit_differs(struct audit_ctx *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* audit_bytes.c, audit_tables.c */
bool audit_bytes(struct audit_ctx *c);
bool audit_headers(struct audit_ctx *c);	/* finds moved_lo, moved_hi and delta */
bool audit_unwind_table(struct audit_ctx *c);
/* PT_LOAD of the patched file that is not in the original and holds vaddr. */
const Elf64_Phdr *audit_new_load(const struct audit_ctx *c, uint64_t vaddr);
/* Is the byte one of a dynamic symbol's value, which moves with what it names? */
bool audit_in_symbol_value(const struct image *im, uint64_t vaddr);
static inline bool audit_moved(const struct audit_ctx *c, uint64_t vaddr)
{
	return vaddr >= c->moved_lo && vaddr < c->moved_hi;
}

/* audit_dump.c: the two dumps of one reader, line by line. */
bool audit_dumps(struct audit_ctx *c, struct bytes original, struct bytes patched);
/* Runs fn(path) in a child with limits and collects what it writes to its fd.
 * 0, or -1 with the reason in *why. */
int audit_child(struct arena *a, int (*fn)(const struct audit_ctx *, const char *, FILE *),
		const struct audit_ctx *c, const char *path, struct bytes *out, const char **why);

#ifdef __cplusplus
}
#endif

#endif
