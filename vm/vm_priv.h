/* SPDX-License-Identifier: MIT
 *
 * vm_priv.h - a vm, for the two files that are one: vm.c without LLVM, vm_compile.c with it. */
#ifndef BPFTIME_VM_PRIV_H
#define BPFTIME_VM_PRIV_H

#include "arena.h"
#include "diag.h"
#include "load.h"
#include "unit.h"
#include "vm.h"

enum { VM_MAX_EXTERNS = 256 };

struct engine;

struct vm {
	struct arena *a;
	struct diags  dg;
	struct unit_extern ext[VM_MAX_EXTERNS];
	size_t        n_ext;
	enum prog_type type;
	size_t        mem_bytes;
	vm_fn        *fn;
	struct lnk_loaded own;		/* vm_load_object(): to be unloaded here */
	const struct lnk_loaded *loaded;	/* where its maps are, NULL: it has none */
	/* vm_compile.c */
	struct unit  *unit;		/* what was loaded */
	size_t        prog;
	bool          trusted;
	struct engine *engine;
	void        (*close)(struct vm *vm);	/* of these four; NULL: never used */
};

/* Something is loaded already, or registered too late: -DIAG_U001. */
int vm_loaded_twice(struct vm *vm);
/* Forgets the last error. */
void vm_begin(struct vm *vm);

#endif
