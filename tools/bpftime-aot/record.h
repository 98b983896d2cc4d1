/* SPDX-License-Identifier: MIT
 *
 * record.h - programs written as lines of JSON (test/data/README.md), for --batch.
 *
 * Two forms: {"name","code","mem"} is a program over a block of memory (PROG_VM);
 * {"name","prog_type","insns_hex","map_relocs","maps",...} is what a loader would give
 * to bpf().  Everything in a line is hostile until it is in the unit. */
#ifndef BPFTIME_AOT_RECORD_H
#define BPFTIME_AOT_RECORD_H

#include <stdio.h>

#include "diag.h"
#include "unit.h"

#ifdef __cplusplus
extern "C" {
#endif

struct record {
	const char  *name;	/* "" when the line has none */
	struct unit *unit;	/* one program; the record and all of it live in unit->arena */
	struct bytes mem;	/* PROG_VM: what r1 points at */
};

/* Makes a unit of one line.  Returns 0, or -DIAG_U002 with *out unchanged. */
int record_parse(const char *path, const char *line, size_t n, struct record *out,
		 struct diags *dg);

/* Hex digits to bytes in `a`; false when the text is anything else. */
bool hex_parse(struct arena *a, const char *text, struct bytes *out);

/* Calls fn for each non-empty line of `path`, numbered from 1.  Returns 0, the first
 * negative result of fn, or -DIAG_E001. */
int record_lines(const char *path,
		 int (*fn)(void *arg, unsigned line_no, const char *line, size_t n), void *arg,
		 struct diags *dg);

#ifdef __cplusplus
}
#endif
#endif
