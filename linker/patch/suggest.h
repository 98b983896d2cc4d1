/* SPDX-License-Identifier: MIT
 *
 * suggest.h - what the user may have meant. */
#ifndef BPFTIME_LINKER_PATCH_SUGGEST_H
#define BPFTIME_LINKER_PATCH_SUGGEST_H

#include "image.h"

#ifdef __cplusplus
extern "C" {
#endif

/* "; did you mean A, B or C?" of the image's functions and imports, or "". */
const char *suggest_names(const struct image *im, const char *name);

#ifdef __cplusplus
}
#endif
#endif
