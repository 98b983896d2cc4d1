/* SPDX-License-Identifier: MIT
 *
 * jit.h - programs of a unit as functions of this process, through LLVM's ORC.
 *
 * For `bpftime-aot run --engine jit` and tests: the target of a hook never runs this. */
#ifndef BPFTIME_COMPILER_JIT_H
#define BPFTIME_COMPILER_JIT_H

#include "compiler.h"

#ifdef __cplusplus
extern "C" {
#endif

struct jit;
typedef uint64_t jit_fn(void *ctx, uint64_t arg);

/* The runtime and the maps that compiled code uses. */
struct jit_env {
	uint64_t (*symbol)(void *arg, const char *name);	/* bpftime_rt1_*; 0: unknown */
	void    *(*map_base)(void *arg, size_t map);	/* its data */
	void      *arg;
};

/* Compiles for the machine this runs on; opts->vm and hosted are implied.  env: NULL when
 * the programs use neither maps nor helpers.  Returns 0 and *out, to be closed, or a
 * negative diagnostic. */
int jit_open(const struct unit *u, const struct vfy_result *const *facts,
	     const struct compile_opts *opts, const struct jit_env *env, struct jit **out,
	     struct diags *dg);
void jit_close(struct jit *j);	/* NULL is fine */

/* Program i of the unit. */
jit_fn *jit_prog(const struct jit *j, size_t i);

#ifdef __cplusplus
}
#endif
#endif
