/* SPDX-License-Identifier: MIT
 *
 * go_x86_64.h - what is different about Go functions.
 *
 * A function that may need more stack than there is begins with a check:
 *
 *     cmp 16(%r14), %rsp; jbe more; ...       more: call runtime.morestack; jmp to the start
 *
 * so its first instruction runs again for the same call, on another stack.  The check itself moves
 * to the trampoline and programs run behind it, where besides some hundred bytes of stack are there
 * for sure.  No goroutine is ever stopped among these instructions.  In a function without a check
 * (nosplit) there may be no stack at all. */
#ifndef BPFTIME_LINKER_PATCH_GO_X86_64_H
#define BPFTIME_LINKER_PATCH_GO_X86_64_H

#include "targets.h"
#include "trampoline.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Sets room and spare and, at an entry with a check, the window (n_insn is not 0 then).  NULL, or why
 * the site is refused.  Leaves what is no Go function alone. */
const char *go_see_site(const struct image *im, const struct site *s, struct tramp_site *t);

/* May the displaced instructions run where Go knows no code?  NULL, or the reason.  Says how calls
 * among them are to be moved. */
const char *go_window_refused(const struct image *im, const struct site *s, struct tramp_site *t);

/* May the jump be written while the program runs?  A goroutine that was stopped among the
 * instructions would go on there. */
const char *go_running_refused(const struct site *s, const struct tramp_site *t);

/* The return instructions of a function.  NULL, or why they are not all of its ends. */
const char *go_returns(const struct image *im, const struct image_go_fn *fn, uint64_t **vaddr, size_t *n);

#ifdef __cplusplus
}
#endif
#endif
