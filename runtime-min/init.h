/* SPDX-License-Identifier: MIT
 *
 * init.h - the parts of initialisation (init.c). */
#ifndef BPFTIME_RUNTIME_INIT_H
#define BPFTIME_RUNTIME_INIT_H

#include "rt_base.h"

#pragma GCC visibility push(hidden)

/* Supplied by the payload linker. */
extern const struct bpftime_payload bpftime_rt1_payload;
extern int32_t bpftime_rt1_state;	/* RT_INIT_DONE: all maps are there */

/* From arch/<cpu>/start.S.  sp: the stack as the kernel left it (argc, argv, envp, auxv),
 * or NULL when that is not known. */
void rt_start(const uint64_t *sp);

#pragma GCC visibility pop

#endif
