/* SPDX-License-Identifier: MIT
 *
 * archive.h - members of an ar archive (System V / GNU form; ar(5)).  The symbol index
 * is not needed: the linker reads the members themselves. */
#ifndef BPFTIME_LINKER_ARCHIVE_H
#define BPFTIME_LINKER_ARCHIVE_H

#include "arena.h"
#include "diag.h"
#include "reader.h"

#ifdef __cplusplus
extern "C" {
#endif

struct archive_member {
	const char  *name;	/* "init.o" */
	struct bytes bytes;	/* in the archive */
};

/* Lists the members that are files, in order.  Returns 0 or -DIAG_L009. */
int archive_read(struct arena *a, const char *path, struct bytes b, struct archive_member **out,
		 size_t *n, struct diags *dg);

#ifdef __cplusplus
}
#endif
#endif
