/* SPDX-License-Identifier: MIT
 *
 * window.h - how one site can be patched. */
#ifndef BPFTIME_LINKER_PATCH_WINDOW_H
#define BPFTIME_LINKER_PATCH_WINDOW_H

#include "targets.h"
#include "trampoline.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Sets tactic, patch_vaddr and window_bytes of s and all of t.  NULL, or why the site is
 * refused. */
const char *window_decide(const struct image *im, struct targets *targets, struct site *s,
			  struct tramp_site *t);

/* A refused site of a function's entry: its short jump leads to five bytes behind the jump of a
 * neighbour, which displaces more instructions for it.  Changes both when it returns true. */
bool window_borrow(const struct image *im, struct targets *targets, struct site *s,
		   struct tramp_site *ts, const struct site *host, struct tramp_site *host_ts);

/* The bytes that go to a site whose trampoline is at `tramp_vaddr`; returns their number. */
size_t window_bytes_at(const struct site *s, const struct tramp_site *t, uint64_t tramp_vaddr,
		       uint8_t out[8], bool *far);
/* The jump in the padding of TACTIC_SHORT. */
size_t window_padding_bytes(const struct tramp_site *t, uint64_t tramp_vaddr, uint8_t out[8],
			    bool *far);
/* A `call/jmp *GOT` (-fno-plt) of an import, redirected; or 0 when that cannot be done. */
size_t window_call_bytes(const struct image *im, const struct targets *targets, uint64_t vaddr,
			 uint64_t got_vaddr, uint64_t tramp_vaddr, uint8_t out[8], bool *far);

/* Why a function must not get a return hook; NULL: it may. */
const char *return_refused(const struct image *im, const struct site *s,
			   const struct tramp_site *t);

/* Why no program may keep it from running (lnk_decides); NULL: one may. */
const char *decide_refused(const struct image *im, const struct site *s,
			   const struct tramp_site *t);

#ifdef __cplusplus
}
#endif
#endif
