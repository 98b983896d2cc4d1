/* SPDX-License-Identifier: MIT
 *
 * live.h - hooks in a running process, by the same plan, trampolines and payload as in a file.
 *
 *     proc      what is mapped where, whose file it is         read only
 *     plan      the same as for that file
 *     place     where in the process the payload goes
 *     stop      all threads at rest, none in the bytes of a site
 *     write     payload, record, then the sites                the only writer
 *
 * An error leaves the process as it was.  So does the end of this program at any moment, but
 * for memory that nothing refers to and hooks that are complete each: detaching removes both.
 * Needs no code in the process: no libc, no dynamic linker. */
#ifndef BPFTIME_LINKER_LIVE_LIVE_H
#define BPFTIME_LINKER_LIVE_LIVE_H

#include "patch.h"

#ifdef __cplusplus
extern "C" {
#endif

struct live_request {
	int pid;
	const struct patch_request *patch;	/* binary: the module that is meant, NULL: the program
						 * and what it needs; output, in_place: not used */
};

struct live_module {		/* one that has hooks now, or would have */
	const char  *path;
	struct plan *plan;
	uint64_t     payload_bytes;
};
struct live_result {		/* in the arena of the call */
	struct live_module *module;
	size_t n, cap;
	size_t n_patched, n_refused;	/* sites */
	int pid;
	const char *name;	/* of the process */
};

/* Plans and, unless plan_only, attaches.  Returns 0 or a negative diagnostic: those of
 * patch_binary, and P300 to P306. */
int live_attach(struct arena *a, const struct live_request *req, bool plan_only,
		struct live_result *out, struct diags *dg);

/* What is printed of it: how many sites; with `plan` the plan of each module; or, json, one document
 * (docs/live.md). */
void live_print(const struct live_result *r, bool plan, bool json, FILE *out);

struct live_detached {
	int pid;
	size_t n_payload, n_site;
	size_t n_kept;	/* payloads that stay mapped: a thread may be inside */
	const char *name;
};
/* Takes out all that was attached.  -DIAG_P307 when there is nothing, or what P300 to P305 say. */
int live_detach(struct arena *a, int pid, struct live_detached *out, struct diags *dg);
void live_print_detached(const struct live_detached *d, bool json, FILE *out);

#ifdef __cplusplus
}
#endif
#endif
