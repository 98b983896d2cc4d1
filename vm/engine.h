/* SPDX-License-Identifier: MIT
 *
 * engine.h - a unit's programs, runnable in this process.
 *
 *     aot   the hook object, linked by the payload linker and loaded
 *     jit   the same module through ORC; the runtime and the maps, if it uses any, are those of
 *           the loaded hook object */
#ifndef BPFTIME_VM_ENGINE_H
#define BPFTIME_VM_ENGINE_H

#include "compiler.h"
#include "load.h"

#ifdef __cplusplus
extern "C" {
#endif

enum engine_kind { ENGINE_AOT, ENGINE_JIT };

/* "aot", "jit" or NULL (aot). Returns 0 or -DIAG_U001. */
int engine_kind_of(const char *name, enum engine_kind *out, struct diags *dg);

struct engine;
typedef uint64_t engine_fn(void *ctx, uint64_t arg);

/* Compiles and loads.  facts as for compile_object(); opts->vm is implied.  The engine
 * lives in `a`. */
int engine_open(struct arena *a, enum engine_kind kind, const struct unit *u,
		const struct vfy_result *const *facts, const struct compile_opts *opts,
		struct engine **out, struct diags *dg);
void engine_close(struct engine *e);	/* NULL is fine */

/* The C-ABI function of program i. */
engine_fn *engine_prog(const struct engine *e, size_t i);

/* The payload with the maps; NULL: no program uses any. */
const struct lnk_loaded *engine_loaded(const struct engine *e);

#ifdef __cplusplus
}
#endif
#endif
