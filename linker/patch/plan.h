/* SPDX-License-Identifier: MIT
 *
 * plan.h - what would be patched and how: pure, printable.
 *
 *     sites_find     names and patterns -> places in the image        (sites.c)
 *     plan_make      places -> tactics, displaced instructions, cost  (plan.c)
 *     tramp_*        a planned site -> trampoline bytes and CFI       (tramp_<cpu>.c)
 *
 * A site that might be unsafe is refused here with a reason, not tried. */
#ifndef BPFTIME_LINKER_PATCH_PLAN_H
#define BPFTIME_LINKER_PATCH_PLAN_H

#include "image.h"
#include "payload.h"
#include "usdt.h"

#ifdef __cplusplus
extern "C" {
#endif

enum site_kind {
	SITE_ENTRY,	/* first instruction of a function (behind endbr64) */
	SITE_OFFSET,	/* any other instruction */
	SITE_IMPORT,	/* PLT stub of an imported function */
	SITE_SYSCALL,	/* a `syscall` instruction */
	SITE_USDT,	/* the nop of a statically defined probe */
	SITE_RETURN,	/* a return instruction of a Go function */
};
enum tactic {
	TACTIC_REFUSED,
	TACTIC_JMP,	/* jmp rel32 over a window of whole instructions */
	TACTIC_PLT,	/* jmp rel32 over a PLT stub */
	TACTIC_PADDING,	/* the function is shorter than the window; padding behind it serves */
	TACTIC_SHORT,	/* jmp rel8 to a jmp rel32 in padding nearby */
	TACTIC_BEFORE,	/* jmp rel32 over instructions that lead to the hooked one */
};
const char *tactic_name(enum tactic t);
const char *site_kind_name(enum site_kind k);

/* What the command line or a SEC() name asks for: one hook, at one pattern. */
struct want {
	uint32_t    hook;	/* index in the lnk */
	bool        ret;	/* at the function's return */
	uint8_t     at;		/* enum want_at */
	const char *symbol;	/* name, glob, or NULL with has_vaddr */
	bool        has_vaddr;
	uint64_t    vaddr;	/* @0xVADDR */
	uint64_t    off_bytes;	/* +OFF */
	uint64_t    cookie;
};

/* A hook at a site. */
struct site_attach {
	uint32_t attach;	/* index in the lnk, from plan_make on; none when the site is refused */
	uint32_t hook;
	bool     ret;
	bool     sys_exit;	/* SITE_SYSCALL: behind the call */
	int32_t  nr;		/* SITE_SYSCALL: only of this number, or SYSCALL_ANY */
	const char *name;	/* shown to people, NULL: the site's */
	uint64_t cookie;
};

struct site_cost {
	uint32_t insns, saved_regs, atomics;
	double   ns;
};

struct site {
	uint64_t    vaddr;	/* the instruction that is hooked; of SITE_ENTRY the function, its
				 * endbr64 included, as a kernel uprobe would have it */
	const char *symbol;	/* NULL: unnamed */
	uint64_t    fn_vaddr, fn_bytes;	/* extent of its function, where known (else 0) */
	enum site_kind kind;
	int32_t     syscall_nr;	/* SITE_SYSCALL: the number it always has, or SYSCALL_ANY */
	const struct usdt_probe *probe;	/* SITE_USDT, with: */
	const struct usdt_spec *usdt;
	const struct image_import *import;	/* SITE_IMPORT: calls through its GOT slot are patched too */
	struct site_attach *at;	/* in the order of the command line */
	size_t      n_at, cap_at;
	/* made by plan_make */
	enum tactic tactic;
	const char *refused;	/* the reason */
	uint32_t    window_bytes;	/* bytes overwritten at patch_vaddr */
	uint64_t    patch_vaddr;
	struct bytes before;	/* window_bytes of the file */
	struct bytes after;	/* what plan_emit puts there */
	struct site_cost cost;
	uint64_t    tramp_off, tramp_bytes;	/* place among the trampolines */
	uint64_t    cfi_off, cfi_bytes;
	bool        has_ret;	/* one of `at` is a return hook, at an entry or import */
	bool        over_cost;	/* refused for plan_opts.max_cost_ns */
	bool        part;	/* hooks that are refused where those of other objects are not: they have a site too */
	size_t      n_decide;	/* how many of `at` may keep the function from running */
};

struct plan_state;	/* what plan_make knows about the image's code, and the written FDEs */

struct plan {
	struct image *im;
	struct lnk   *lnk;
	struct site  *site;	/* sorted by vaddr, one a place; plan_make puts parts behind them */
	size_t        n_site, cap_site;
	size_t        n_patched, n_refused;
	uint64_t      tramp_bytes, cfi_bytes;
	struct plan_state *state;
	struct targets *targets;	/* plan_targets() */
	const struct usdt_probe *probe;	/* of the image, once asked for */
	size_t        n_probe;
	bool          probes_read;
	struct unwind_state *unwind;	/* unwind_table.h; NULL: no program asks for stacks */
	uint64_t      unwind_bytes;
};

struct plan_opts {
	double max_cost_ns;	/* 0: no limit */
	bool   slots_only;	/* return hooks never call the function, for tests */
	bool   running;		/* the program runs while it is patched */
	const char *no_returns;	/* why there can be no return hooks; NULL: there can */
};

/* Finds the places of one want and adds them to plan->site (joining an existing site).
 * Returns the number of places, or -DIAG_P... : no such symbol (near matches named). */
int sites_find(struct plan *p, const struct want *w, struct diags *dg);

/* What is known about all code of the image; read once. */
struct targets *plan_targets(struct plan *p);

/* Decides every site.  Returns 0 even when sites are refused, or -DIAG_P204. */
int plan_make(struct plan *p, const struct plan_opts *o, struct diags *dg);

/* Writes all trampolines and their CFI into the placed payload, and adds the edits of the
 * sites. */
int plan_emit(struct plan *p, struct edits *e, struct diags *dg);

/* How many edits plan_emit makes, at most. */
size_t plan_max_edits(const struct plan *p);

/* After plan_emit: where a thread goes on that stands inside the bytes of an edit, in front of the
 * instruction that was at vaddr; 0: that is no such place. */
uint64_t plan_moved(const struct plan *p, uint64_t vaddr);
/* Does the plan have return hooks that call their function; that use slots? */
void plan_returns(const struct plan *p, bool *calls, bool *slots);
/* After plan_emit: of the first slot's stub; 0: there are none. */
uint64_t plan_stubs(const struct plan *p);

/* The FDEs that plan_emit wrote, for the merged .eh_frame_hdr. */
struct cfi_entry {
	uint64_t pc_vaddr, fde_vaddr;
};
const struct cfi_entry *plan_cfi(const struct plan *p, size_t *n);

/* Prints the plan: a line a site, or with json the document of docs/design.md; reads is "fast" or
 * "strict". */
void plan_print(const struct plan *p, bool json, uint64_t growth_bytes, const char *reads,
		FILE *out);
/* The members of that document behind "schema", into an object that is open. */
struct json;
void plan_put(struct json *j, const struct plan *p, uint64_t growth_bytes, const char *reads);

#ifdef __cplusplus
}
#endif
#endif
