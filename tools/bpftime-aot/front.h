/* SPDX-License-Identifier: MIT
 *
 * front.h - what compile, run and dump begin with: options, a relocated unit, proof. */
#ifndef BPFTIME_AOT_FRONT_H
#define BPFTIME_AOT_FRONT_H

#include "compiler.h"
#include "opts.h"

struct front {
	struct arena *a;
	struct unit  *u;
	struct compile_opts opts;
	struct vfy_opts vfy;
	const struct vfy_result **facts;	/* one a program; NULL entries: unverified */
};

/* Reads the compile options of a command line.  Returns 0 or -DIAG_U001. */
int front_opts(const struct opts *o, struct compile_opts *out, struct diags *dg);

/* Reads the options of verifying.  Returns 0 or -DIAG_U001. */
int front_vfy_opts(const struct opts *o, struct vfy_opts *out, struct diags *dg);

/* The one file a command takes.  Returns 0 or -DIAG_U001. */
int front_file(const struct opts *o, const char **out, struct diags *dg);

/* Reads and relocates `path`.  Release with front_close, also after an error. */
int front_open(const struct opts *o, const char *path, struct front *f, struct diags *dg);
/* Verifies all programs, or says loudly that it does not (--unverified). */
int front_verify(struct front *f, struct diags *dg);
void front_close(struct front *f);

#endif
