/* SPDX-License-Identifier: MIT
 *
 * place.h - where in a process a payload can be. */
#ifndef BPFTIME_LINKER_LIVE_PLACE_H
#define BPFTIME_LINKER_LIVE_PLACE_H

#include "proc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A free range of `bytes` (whole pages) from which every address of [lo, hi) can be reached with a
 * 32-bit displacement, and back; 0: there is none.  A page stays free on both sides, so that
 * the kernel makes it no part of a neighbour.  Below [lo, hi) if possible: above a program is
 * its heap. */
uint64_t place_find(const struct proc_map *map, size_t n_map, uint64_t lo, uint64_t hi,
		    uint64_t bytes);

#ifdef __cplusplus
}
#endif
#endif
