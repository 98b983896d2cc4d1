/* SPDX-License-Identifier: MIT
 *
 * plan_priv.h - the steps of plan_make(), and what they know of the sites. */
#ifndef BPFTIME_LINKER_PATCH_PLAN_PRIV_H
#define BPFTIME_LINKER_PATCH_PLAN_PRIV_H

#include "cfi.h"
#include "plan.h"
#include "trampoline.h"
#include "usdt_spec.h"

#ifdef __cplusplus
extern "C" {
#endif

struct plan_state {
	struct tramp_site *ts;		/* one a site */
	struct tramp_common common;
	struct cfi_out cfi;
	struct usdt_rooms usdt;
	const bool *copies;	/* by hook (trampoline.h) */
	bool slots, ret_flags;	/* a return goes through one; a program behind such a return reads the flags */
	bool stacks;	/* a program runs on one of the payload's */
};

/* Bytes of a body's likely way that is copied; a longer one gains nothing by it. */
enum { COPY_MAX = 256 };

/* plan_settle.c: decides site `at`; hooks that only some objects can have there become a part behind the sites. */
void plan_decide(struct plan *p, size_t at, const struct plan_opts *o);
/* Entries that have no room for their jump get some from a neighbour. */
void plan_borrow_room(struct plan *p, const struct plan_opts *o);

/* plan_overlap.c: two jumps must not share a byte, nor may one lie among instructions that another site displaces: it
 * would not run there. */
void plan_refuse_overlaps(struct plan *p);
/* The same, until nothing changes: who borrowed from a site that is refused now is refused as well, and a function's
 * return is hooked at all of its return instructions or not at all. */
void plan_refuse_conflicts(struct plan *p);

#ifdef __cplusplus
}
#endif
#endif
