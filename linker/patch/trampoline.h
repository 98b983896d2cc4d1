/* SPDX-License-Identifier: MIT
 *
 * trampoline.h - what plan_make decided about one site, for trampoline_<cpu>.c to write. */
#ifndef BPFTIME_LINKER_PATCH_TRAMPOLINE_H
#define BPFTIME_LINKER_PATCH_TRAMPOLINE_H

#include "cfi.h"
#include "insn_x86_64.h"
#include "plan.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { WINDOW_MAX = 16 };	/* instructions of a window: each has a byte, plus one of 15 */

enum flags_mode {
	FLAGS_DEAD,	/* as at a function's entry */
	FLAGS_STATUS_LIVE,	/* the program reads status flags it wrote before */
	FLAGS_ALL_LIVE,	/* also DF, or a hook reads them */
};

enum stack_room {
	STACK_ROOMY,	/* a thread's */
	STACK_SOME,	/* a goroutine's, behind its check: some hundred bytes */
	STACK_NONE,	/* a goroutine's: perhaps not one byte */
};

/* How a site is to be patched; made once by plan_make, used for sizes and for bytes. */
struct tramp_site {
	struct insn insn[WINDOW_MAX];	/* displaced */
	size_t   n_insn;
	uint64_t *moved;	/* WINDOW_MAX: where the copies are; written with the trampoline */
	size_t   n_before;	/* of them, how many come before the hooked one */
	uint64_t back_vaddr;	/* where the last displaced instruction goes on */
	bool     no_window;	/* refused because there is no room for a jump */
	bool     red_zone;	/* 128 bytes below rsp are the program's */
	bool     r11_dead;
	uint8_t  flags;		/* enum flags_mode */
	const uint64_t *call;	/* SITE_IMPORT: calls and jumps through the GOT */
	size_t   n_call;
	uint64_t short_vaddr;	/* TACTIC_SHORT: the 5 bytes of padding, or of: */
	const struct site *host;	/* the neighbour that makes room for the long jump */
	bool     lends;		/* is such a neighbour */
	struct cfi_row row;	/* at the hooked instruction */
	bool     has_row;	/* false: nobody can unwind there anyway */
	bool     go;		/* in a Go function (go_x86_64.h) */
	uint8_t  room;		/* enum stack_room */
	uint8_t  spare[2];	/* general registers that hold nothing here; 0: none */
	bool     calls;		/* return programs: the trampoline calls the function (own_frame.h),
				 * else its return goes through a slot */
};

/* What every trampoline refers to; zero while only sizes matter. */
struct tramp_common {
	struct lnk *lnk;
	const struct image *im;
	bool     placed;
	uint64_t rt_cold, rt_slot;	/* bpftime_rt1_cold, bpftime_rt1_slot */
	uint64_t rt_state;		/* bpftime_rt1_state */
	uint64_t slots;			/* bpftime_rt1_slots */
	uint64_t rt_stacks, rt_misses;	/* bpftime_rt1_stacks, rt_control.misses */
	uint64_t cold, stubs;		/* written by tramp_common_code */
	bool     has_slots;		/* the same: returns go through slots */
	const bool *copies;		/* by hook: its body is copied to its places; NULL: none is */
};

/* Does a program at the site's entry, or at its return, read the flags? */
bool tramp_reads_flags(const struct lnk *l, const struct site *s, bool at_return);

/* The code that all sites share: the way to bpftime_rt1_cold and, with `slots`, the stubs that
 * hooked functions return to, which keep the flags if told to. Sets common->cold, ->stubs and
 * ->has_slots. */
void tramp_common_code(struct tramp_common *common, bool slots, bool flags, struct code *c,
		       struct cfi_out *f);

/* Can all programs of the site run there?  NULL, or the reason; true for *stacks when one needs a
 * stack of the payload's. */
const char *tramp_refused(const struct lnk *l, const struct site *s, const struct tramp_site *t,
			  bool *stacks);

/* Writes the trampoline of one site and its FDEs; the site jumps to where c stood. */
void tramp_site_code(const struct tramp_common *common, const struct site *s,
		     const struct tramp_site *t, struct code *c, struct cfi_out *f);

#ifdef __cplusplus
}
#endif
#endif
