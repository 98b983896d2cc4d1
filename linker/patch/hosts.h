/* SPDX-License-Identifier: MIT
 *
 * hosts.h - functions of the target that programs call (docs/ufunc.md). */
#ifndef BPFTIME_LINKER_PATCH_HOSTS_H
#define BPFTIME_LINKER_PATCH_HOSTS_H

#include "image.h"
#include "payload.h"

/* Finds each in the image, and says in a warning what the programs will call.  0, or -DIAG_P028 with the
 * reason: not there, more than one, no plain C function. */
int hosts_find(struct lnk *l, const struct image *im, struct diags *dg);

#endif
