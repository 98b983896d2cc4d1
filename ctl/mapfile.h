/* SPDX-License-Identifier: MIT
 *
 * mapfile.h - one map file, opened and checked (abi/mapfmt.h).
 *
 * What the header says is copied once and checked against the size of the file, the
 * machine and the kinds of map there are; a file that does not agree is refused, never
 * reinterpreted.  The data stays shared with the processes that use the map. */
#ifndef BPFTIME_CTL_MAPFILE_H
#define BPFTIME_CTL_MAPFILE_H

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "mapdir.h"
#include "mapfmt.h"
#include "maps.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mapfile {
	struct mapref ref;
	struct mapfmt_header h;
	const struct map_row *row;
	uint8_t *file;		/* the whole file, shared: the header page, then the data */
	uint8_t *data;		/* file + h.data_off */
	int      fd;
	struct btf *btf;	/* of the object; NULL when it has none */
};

/* Reads and checks the header alone, for lists.  Returns 0, -DIAG_E001, -DIAG_M001, -DIAG_M002. */
int mapfile_header(const struct mapdir *d, const struct mapref *ref, struct mapfmt_header *h,
		   struct diags *dg);

/* Opens the map that `spec` means (mapdir_find).  Returns 0 or what that and mapfile_header
 * return; close with mapfile_close(). */
int mapfile_open(const struct mapdir *d, struct arena *a, const char *spec, struct mapfile *out,
		 struct diags *dg);
void mapfile_close(struct mapfile *m);

#ifdef __cplusplus
}
#endif
#endif
