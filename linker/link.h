/* SPDX-License-Identifier: MIT
 *
 * link.h - hook objects joined without a target binary: `bpftime-aot link`. */
#ifndef BPFTIME_LINKER_LINK_H
#define BPFTIME_LINKER_LINK_H

#include "arena.h"
#include "diag.h"
#include "reader.h"

#ifdef __cplusplus
extern "C" {
#endif

struct link_input {
	const char  *path;	/* for messages */
	struct bytes obj;
};

/* A shared object of hook objects. */
struct link_how {
	const char *soname;	/* NULL: none */
	const char *map_dir;	/* stamped into it; NULL: the default */
	bool allow_unverified;
};

/* One hook object with the programs of all: sections are carried over as they are, each
 * object keeps its own table, stamp and maps.  Names that two objects define stay with the
 * first and become local in the others.  Debug information comes along.
 * *out is in `a`.  Returns 0, or what lnk_add_object returns. */
int link_objects(struct arena *a, const struct link_input *in, size_t n, struct bytes *out,
		 struct diags *dg);

/* A shared object for LD_PRELOAD or dlopen(): the payload and the runtime of `archive`,
 * no relocations, no dependencies.  Its DT_INIT initialises the runtime.  It exports the
 * body of each program that has one under the program's name, and bpftime_rt1_payload.
 * Returns 0, or what the steps of payload.h return. */
int link_shared(struct arena *a, const struct link_input *in, size_t n, struct bytes archive,
		const struct link_how *how, struct bytes *out, struct diags *dg);

#ifdef __cplusplus
}
#endif
#endif
