/* SPDX-License-Identifier: MIT
 *
 * targets.h - where control may arrive in an image's code, as far as can be known without
 * running it.  What is uncertain counts as a target: a site that it spoils is refused or
 * patched another way, never tried.  Also what else only a look at all code can tell: calls
 * through the GOT, and padding.
 *
 * Sources: every direct branch of a linear decode that restarts at each known function;
 * every byte sequence that could be a rel32 branch; addresses taken by lea or immediate;
 * rel32 jump tables behind a lea; relocated and absolute pointers; symbols, FDEs, landing
 * pads. */
#ifndef BPFTIME_LINKER_PATCH_TARGETS_H
#define BPFTIME_LINKER_PATCH_TARGETS_H

#include "image.h"

#ifdef __cplusplus
extern "C" {
#endif

struct targets;

/* Reads the whole image once. In the image's arena. */
struct targets *targets_new(const struct image *im);

/* May control arrive at an address in [from, to)? */
bool targets_in(const struct targets *t, uint64_t from, uint64_t to);
/* Is vaddr the start of a function for all we know: called, exported, its address taken? */
bool targets_called(const struct targets *t, uint64_t vaddr);
/* Does an instruction of the linear decode start at vaddr? */
bool targets_boundary(const struct targets *t, uint64_t vaddr);
/* The instruction of the linear decode that ends at or just before vaddr; 0: none. */
uint64_t targets_previous(const struct targets *t, uint64_t vaddr);
/* All `syscall` instructions, in order of address. */
const uint64_t *targets_syscalls(const struct targets *t, size_t *n);
/* The next known start of a function or PLT stub behind vaddr; UINT64_MAX: none. */
uint64_t targets_next_start(const struct targets *t, uint64_t vaddr);
/* End of the stretch of code that holds vaddr; 0 when it is not code. */
uint64_t targets_code_end(const struct targets *t, uint64_t vaddr);

/* The calls and jumps outside PLT stubs that go through a GOT slot, in order of address. */
const uint64_t *targets_got_calls(struct targets *t, const struct image_import *imp, size_t *n);

/* Takes 5 bytes of padding between functions, reachable by a short jump at `from` (2 bytes
 * long); 0 when there are none.  A place is given away once. */
uint64_t targets_take_padding(struct targets *t, uint64_t from);
/* From now on somebody arrives at [from, to): these bytes are no padding any more. */
void targets_reserve(struct targets *t, uint64_t from, uint64_t to);

#ifdef __cplusplus
}
#endif
#endif
