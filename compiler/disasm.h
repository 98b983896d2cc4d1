/* SPDX-License-Identifier: MIT
 *
 * disasm.h - machine code as text, for people. */
#ifndef BPFTIME_COMPILER_DISASM_H
#define BPFTIME_COMPILER_DISASM_H

#include "arena.h"
#include "diag.h"
#include "reader.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Calls line(arg, offset, length, text) for each instruction of `code`; text is "(bad)"
 * for bytes that are none.  triple: as in objfmt_stamp.target.  Returns 0 or -DIAG_C006. */
int disasm(const char *triple, struct bytes code,
	   void (*line)(void *arg, size_t off, size_t n, const char *text), void *arg,
	   struct diags *dg);

#ifdef __cplusplus
}
#endif
#endif
