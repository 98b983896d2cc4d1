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
#include "objfmt.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mapfile {
	struct mapref ref;
	struct mapfmt_header h;	/* as it was when opened */
	struct bpftime_map m;	/* what the runtime's rt_map_*() functions want (rt_maps.h), */
	void    *base;		/* and the first byte of the data */
	uint8_t *mapped;	/* the header page, then base, then all of rt_map_mapped_bytes() */
	size_t   mapped_bytes;
	uint32_t cpus;
	bool     percpu;	/* values are arrays of one per CPU, each `stride` bytes */
	size_t   stride, value_bytes;	/* value_bytes: of all CPUs */
	int      fd;
	struct btf *btf;	/* of the object; NULL when it has none */
	uint32_t key_type, value_type;	/* in btf; 0: not known, or not of the right size */
};

/* Reads and checks the header alone, for lists.  Returns 0, -DIAG_E001, -DIAG_M001, -DIAG_M002. */
int mapfile_header(const struct mapdir *d, const struct mapref *ref, struct mapfmt_header *h,
		   struct diags *dg);

/* Opens that map file.  Returns 0 or what mapfile_header returns; close with mapfile_close(). */
int mapfile_open_ref(const struct mapdir *d, struct arena *a, const struct mapref *ref,
		     struct mapfile *out, struct diags *dg);

/* Opens the map that `spec` means (mapdir_find).  Returns 0 or what that and mapfile_header
 * return; close with mapfile_close(). */
int mapfile_open(const struct mapdir *d, struct arena *a, const char *spec, struct mapfile *out,
		 struct diags *dg);
void mapfile_close(struct mapfile *m);

#ifdef __cplusplus
}
#endif
#endif
