/* SPDX-License-Identifier: MIT
 *
 * own_frame.h - functions that need nothing above their return address. */
#ifndef BPFTIME_LINKER_PATCH_OWN_FRAME_H
#define BPFTIME_LINKER_PATCH_OWN_FRAME_H

#include "image.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Is it certain that the function at vaddr takes no arguments on the stack, does not leave by a
 * tail call, whose callee might, and is entered by calls alone?  false without unwind
 * information. */
bool own_frame_only(const struct image *im, uint64_t vaddr);

#ifdef __cplusplus
}
#endif
#endif
