/* SPDX-License-Identifier: MIT
 *
 * stamp.h - what a hook object says about where it comes from. */
#ifndef BPFTIME_COMPILER_STAMP_H
#define BPFTIME_COMPILER_STAMP_H

#include "compiler.h"
#include "objfmt.h"

/* Identity of one relocated program: its type, instructions, and the names and
 * attributes of the maps it refers to. */
void stamp_prog_hash(const struct unit *u, const struct unit_prog *p, uint8_t out[32]);

void stamp_make(const struct unit *u, const struct vfy_result *const *facts,
		const struct compile_opts *opts, const char *triple, const char *cpu,
		struct objfmt_stamp *out);

#endif
