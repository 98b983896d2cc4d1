/* SPDX-License-Identifier: MIT
 *
 * target.h - the CPUs that hook objects can be made for. */
#ifndef BPFTIME_COMPILER_TARGET_H
#define BPFTIME_COMPILER_TARGET_H

#include <llvm-c/TargetMachine.h>

#include "compiler.h"

struct target {
	const char *name, *triple;
	const char *cpu;		/* the architecture's baseline: hook objects travel */
	const char *vector_features;	/* what baseline code may use */
	const char *hook_features;	/* the same without floating point and vector registers */
	bool preserve_most;		/* LLVM has this calling convention there */
	bool string_insns;		/* it has rep stosb */
};

/* NULL stands for the default; returns NULL when there is no such target. */
const struct target *target_find(const char *name);
const struct target *target_of_triple(const char *triple);

/* Once, before anything else of LLVM's that knows CPUs; again does nothing. */
void target_initialise(void);

struct target_machine {
	const struct target *target;
	char *cpu, *features;		/* in the arena, given to every function */
	LLVMTargetMachineRef tm;
};
/* Returns 0 or -DIAG_C006.  Dispose of out->tm with LLVMDisposeTargetMachine. */
int target_open(struct arena *a, const struct compile_opts *opts, struct target_machine *out,
		struct diags *dg);

#endif
