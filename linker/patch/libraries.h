/* SPDX-License-Identifier: MIT
 *
 * libraries.h - where shared libraries are on this machine. */
#ifndef BPFTIME_LINKER_PATCH_LIBRARIES_H
#define BPFTIME_LINKER_PATCH_LIBRARIES_H

#include "arena.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A library's file where the dynamic linker looks when nobody tells it otherwise, or, with a
 * slash in `name`, there.  NULL when it cannot be read.  In `a`, or `name` itself. */
const char *library_find(struct arena *a, const char *name);

#ifdef __cplusplus
}
#endif
#endif
