/* SPDX-License-Identifier: MIT
 *
 * suggest.h - what the user may have meant. */
#ifndef BPFTIME_LINKER_PATCH_SUGGEST_H
#define BPFTIME_LINKER_PATCH_SUGGEST_H

#include "image.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What to do about a function that the image has not: "; it has NAME@A, NAME@B" if it has other
 * versions (version: NULL if none was asked for); "; FILE, a library of it, calls it and
 * FILE defines it: patch that" if a library that it needs, as installed here, has the name;
 * else "; did you mean A, B or C?" of the image's functions and imports; or "". */
const char *suggest_place(const struct image *im, const char *name, const char *version);

#ifdef __cplusplus
}
#endif
#endif
