/* SPDX-License-Identifier: MIT
 *
 * patch.h - the patcher as a library: what tools/bpftime-patch calls.
 *
 * Each call reads the target, decides everything, and only then writes; on any error the
 * target and the output are as they were. */
#ifndef BPFTIME_LINKER_PATCH_PATCH_H
#define BPFTIME_LINKER_PATCH_PATCH_H

#include "attach.h"
#include "plan.h"

#ifdef __cplusplus
extern "C" {
#endif

enum patch_reads { READS_STRICT, READS_FAST };

struct patch_request {
	const char  *binary;		/* path, or a bare name to look up in PATH and the sbin folders */
	const char *const *object;	/* hook object files; none: the built-in `count` */
	size_t       n_object;
	struct attach_arg *arg;		/* --uprobe, --uretprobe */
	size_t       n_arg;
	const char  *output;		/* NULL: ./NAME.patched */
	bool         in_place;
	const char  *map_dir;		/* stamped map directory, NULL: default */
	enum patch_reads reads;
	bool         allow_unverified, allow_setuid;
	struct plan_opts plan;
	struct bytes archive;		/* libbpftime_rt.a */
};

struct patch_result {		/* in the arena of the call */
	struct plan *plan;		/* NULL when it did not come to one */
	const char  *output;		/* the file that was or would be written */
	uint64_t     growth_bytes;	/* of that file over the original */
	const char  *reads;		/* "strict" or "fast" */
};

/* Plans and, unless plan_only, writes.  Returns 0; -DIAG_P... when refused (no site can be
 * patched counts as that; out->plan then has the reasons); -DIAG_E... */
int patch_binary(struct arena *a, const struct patch_request *req, bool plan_only,
		 struct patch_result *out, struct diags *dg);

/* Prints the hooks in a patched file: a line each, or {"schema":1,"binary","dir",
 * "hooks":[{"object","prog","kind","symbol","vaddr","offset","cookie"}]}.
 * -DIAG_P021 when the file is not one of ours. */
int patch_list(struct arena *a, const char *path, bool json, FILE *out, struct diags *dg);

/* Opens a patched file; *meta is the record's bytes. -DIAG_P021 when it is not one of ours. */
int patch_read_ours(struct arena *a, const char *path, struct image **im, struct bytes *meta,
		    struct diags *dg);

/* Writes the original back to `output` (NULL: in place). */
int patch_revert(struct arena *a, const char *path, const char *output, struct diags *dg);

/* The file a bare name means: itself when it has a slash or exists here, else the first in
 * PATH, /usr/sbin, /sbin, /usr/local/sbin, or the first library of this name where the
 * dynamic linker looks.  NULL when there is none. */
const char *patch_find_binary(struct arena *a, const char *name);

#ifdef __cplusplus
}
#endif
#endif
