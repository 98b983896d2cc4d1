/* SPDX-License-Identifier: MIT
 *
 * debuginfo.h - DWARF lines that point at the BPF C source (compile -g).  Without -g
 * every function here does nothing. */
#ifndef BPFTIME_COMPILER_LOWER_DEBUGINFO_H
#define BPFTIME_COMPILER_LOWER_DEBUGINFO_H

#include "lower.h"

void debug_open(struct lower *l);
/* Before the module is optimised. */
void debug_close(struct lower *l);

/* Gives fn a name and the place of slot `insn` of p; code built from here on belongs to it. */
void debug_function(struct lower *l, LLVMValueRef fn, const char *name,
		    const struct unit_prog *p, uint32_t insn);
/* Code built from here on, in the function debug_function() named last, is slot `insn`. */
void debug_at(struct lower *l, const struct unit_prog *p, uint32_t insn);

#endif
