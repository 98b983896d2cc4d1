/* SPDX-License-Identifier: MIT
 *
 * entry.h - the ways into a program: specialised entries and the C-ABI form. */
#ifndef BPFTIME_COMPILER_LOWER_ENTRY_H
#define BPFTIME_COMPILER_LOWER_ENTRY_H

#include "lower.h"

/* preserve_most: every general register is the callee's to keep. */
enum { CC_PRESERVE_MOST = 14 };

/* Which form a program that reads these fields of its ctx gets (hooks.h). */
enum entry_form entry_form_of(uint32_t ctx_mask);

/* `preserve_most void NAME(...)` of the given form around `body`; with `outcome` it returns
 * { value, whether } (hooks.h). */
LLVMValueRef entry_make(struct lower *l, const char *name, const struct unit_prog *prog,
			enum entry_form form, uint32_t ctx_mask, bool outcome, LLVMValueRef body);

/* The C-ABI form (objfmt.h: body_rel).  A body that makes tail calls is it already, and stays a
 * function: inlined, its jumps would become calls. */
LLVMValueRef entry_c(struct lower *l, const char *name, const struct unit_prog *prog,
		     LLVMValueRef body, bool tail_calls);

#endif
