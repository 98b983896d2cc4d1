/* SPDX-License-Identifier: MIT
 *
 * audit.h - is a patched file what it should be?  Three looks at it, none of which uses the
 * writer's code:
 *
 *     bytes      our own comparison with the original: only headers, what they displaced,
 *                and jumps into the new segment have changed
 *     lief       LIEF's C reader, in a child with limits: the same program by its account
 *     elflint    eu-elflint, which must not find more than in the original
 *
 * A reader that is not installed or that crashes is "unavailable", which is not success. */
#ifndef BPFTIME_LINKER_PATCH_AUDIT_H
#define BPFTIME_LINKER_PATCH_AUDIT_H

#include <stdio.h>

#include "arena.h"
#include "diag.h"

#ifdef __cplusplus
extern "C" {
#endif

enum audit_result { AUDIT_OK, AUDIT_DIFFERS, AUDIT_UNAVAILABLE };

struct audit_look {
	const char *name;
	enum audit_result result;
	const char *text;	/* the first difference, or why it is unavailable */
};
struct audit {
	struct audit_look bytes, lief, elflint;
};

/* Returns 0 with *out filled, whatever it says; -DIAG_E001 or -DIAG_P... when a file cannot
 * be read at all, -DIAG_P021 when `path` is not one of ours. */
int audit_compare(struct arena *a, const char *path, const char *original, struct audit *out,
		  struct diags *dg);

/* The same, printed: a line a look, or {"schema":1,"binary","original","looks":[{"name",
 * "result":"ok|differs|unavailable","text"}]}.  Returns 0, -DIAG_P111 when a look differs,
 * -DIAG_P112 when neither lief nor elflint was available. */
int audit_files(struct arena *a, const char *path, const char *original, bool json, FILE *out,
		struct diags *dg);

#ifdef __cplusplus
}
#endif
#endif
