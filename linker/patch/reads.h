/* SPDX-License-Identifier: MIT
 *
 * reads.h - may user memory be read under a fault handler of ours? */
#ifndef BPFTIME_LINKER_PATCH_READS_H
#define BPFTIME_LINKER_PATCH_READS_H

#include "image.h"

/* NULL when nothing in the program `im` and the libraries it needs, as they are installed
 * here, can take the handlers of SIGSEGV and SIGBUS away or block these signals; else the
 * reason why that cannot be said (DIAG_P026), in im->arena. */
const char *reads_fast_refused(struct image *im);

#endif
