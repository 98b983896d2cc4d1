/* SPDX-License-Identifier: MIT
 *
 * compiler.h - a verified unit becomes a native hook object, or runnable code.
 *
 * The only part (with tools/bpftime-aot) that knows LLVM; no LLVM type crosses this
 * header. */
#ifndef BPFTIME_COMPILER_COMPILER_H
#define BPFTIME_COMPILER_COMPILER_H

#include "diag.h"
#include "unit.h"
#include "verify/verify.h"

#ifdef __cplusplus
extern "C" {
#endif

struct compile_opts {
	const char *target;	/* "x86_64", "aarch64", "riscv64"; NULL: x86_64 */
	const char *cpu;	/* NULL: the baseline of the architecture; for the JIT this machine's */
	unsigned    opt_level;	/* 0..3 */
	bool        debug;
	bool        unverified;
	bool        vm;		/* emit the C-ABI form of every program: for `run` and the VM library */
	bool        hosted;	/* it runs here, where vector registers and a libc are: not in hooks */
};

/* Compiles all programs of the unit.  facts[i] belongs to prog[i]; NULL where the
 * program was not verified (then opts->unverified must be set).
 * Returns 0 and the bytes of an ET_REL in `a`, or -DIAG_C....  Equal inputs give equal
 * bytes. */
int compile_object(struct arena *a, const struct unit *u, const struct vfy_result *const *facts,
		   const struct compile_opts *opts, struct bytes *out, struct diags *dg);

/* The same as text, for people: assembly, and LLVM IR after optimising. */
int compile_asm(struct arena *a, const struct unit *u, const struct vfy_result *const *facts,
		const struct compile_opts *opts, struct bytes *out, struct diags *dg);
int compile_ir(struct arena *a, const struct unit *u, const struct vfy_result *const *facts,
	       const struct compile_opts *opts, struct bytes *out, struct diags *dg);

#ifdef __cplusplus
}
#endif
#endif
