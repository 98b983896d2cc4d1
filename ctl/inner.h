/* SPDX-License-Identifier: MIT
 *
 * inner.h - the maps inside a map of maps: which one a name means, and making one. */
#ifndef BPFTIME_CTL_INNER_H
#define BPFTIME_CTL_INNER_H

#include "mapfile.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The map that `name` means in the map of maps `outer`: a file of the same folder, or
 * "pinned/NAME".  Fills *out, the value that outer takes for it.
 * Returns 0, -DIAG_M003 (no such map) or what mapfile_header() returns. */
int inner_find(const struct mapdir *d, struct arena *a, const struct mapfile *outer,
	       const char *name, struct mapfmt_ref *out, struct diags *dg);

/* Makes an empty map that fits into `outer`, as file `name` of its folder.  entries: max_entries,
 * 0: those of the template.
 * Returns 0, -DIAG_M008 (no map of maps, or one that does not take so many entries), -DIAG_M007
 * (there is one of that name), -DIAG_U001 (not a file's name), -DIAG_E002. */
int inner_make(const struct mapdir *d, const struct mapfile *outer, const char *name,
	       uint32_t entries, struct diags *dg);

#ifdef __cplusplus
}
#endif
#endif
