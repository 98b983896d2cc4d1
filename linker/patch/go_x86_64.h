/* SPDX-License-Identifier: MIT
 *
 * go_x86_64.h - what is different about Go functions.
 *
 * A function that may need more stack than there is begins with a check:
 *
 *     cmp 16(%r14), %rsp; jbe more; ...       more: call runtime.morestack; jmp to the start
 *
 * so its first instruction runs again for the same call, on another stack.  Its entry is hooked
 * behind the check, where besides some hundred bytes of stack are there for sure.  In a function
 * without (nosplit) there may be none at all. */
#ifndef BPFTIME_LINKER_PATCH_GO_X86_64_H
#define BPFTIME_LINKER_PATCH_GO_X86_64_H

#include "targets.h"
#include "trampoline.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Called once the window's first instruction is known: sets room, spare and, for an entry,
 * s->patch_vaddr.  NULL, or why the site is refused.  Leaves what is no Go function alone. */
const char *go_see_site(const struct image *im, struct site *s, struct tramp_site *t);

/* May the displaced instructions run where Go knows no code?  NULL, or the reason.  Says how calls
 * among them are to be moved. */
const char *go_window_refused(const struct image *im, const struct site *s, struct tramp_site *t);

/* The return instructions of a function.  NULL, or why they are not all of its ends. */
const char *go_returns(const struct image *im, const struct image_go_fn *fn, uint64_t **vaddr, size_t *n);

#ifdef __cplusplus
}
#endif
#endif
