/* SPDX-License-Identifier: MIT
 *
 * job.h - what a file and a running process have in common: from hook objects and a command
 * line to a plan for one image.
 *
 *     job_begin -> job_add_objects -> job_attach -> job_find_sites -> plan_make
 *
 * Where the payload goes, and who writes, is the caller's. */
#ifndef BPFTIME_LINKER_PATCH_JOB_H
#define BPFTIME_LINKER_PATCH_JOB_H

#include "patch.h"
#include "record.h"

#ifdef __cplusplus
extern "C" {
#endif

struct patch_job {
	struct arena *a;
	const struct patch_request *req;
	struct diags *dg;
	struct image *im;
	struct bytes id;	/* tells the target from others; empty: its build id, or its hash */
	struct record rec;
	struct lnk *lnk;
	const uint32_t *first_hook;	/* of each object of rec, in the lnk; one more at the end */
	const uint32_t *asked;	/* objects of rec that this run names */
	size_t n_asked;
	struct plan *plan;
};

struct bytes job_target_id(const struct image *im);

/* im and rec are there. */
void job_begin(struct patch_job *j);

/* Adds the objects that rec already has, in their old order, then those of the request.
 * Returns 0, or what file_read and lnk_add_object return. */
int job_add_objects(struct patch_job *j);

/* Adds the wants of the objects that this run names (attach.h).  Returns how many, or a
 * negative diagnostic. */
int job_attach(struct patch_job *j, struct attach_arg *arg, size_t n_arg);

/* Warns of arguments that no program took. */
void job_warn_untaken(const struct patch_job *j);

/* The sites of one want, or of all.  Returns 0 or more, -DIAG_P020, -DIAG_P023 or what
 * sites_find returns. */
int job_find_want(struct patch_job *j, const struct record_want *w, struct diags *dg);
int job_find_sites(struct patch_job *j);

/* -DIAG_P027 if a site costs more than --max-cost allows. */
int job_check_cost(const struct patch_job *j);

/* -DIAG_P025, with the reason of the first site. */
int job_nothing_patched(const struct patch_job *j);

#ifdef __cplusplus
}
#endif
#endif
