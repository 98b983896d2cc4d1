/* SPDX-License-Identifier: MIT
 *
 * module.h - unit and runtime bitcode become one optimised LLVM module. */
#ifndef BPFTIME_COMPILER_MODULE_H
#define BPFTIME_COMPILER_MODULE_H

#include "lower/lower.h"
#include "target.h"

struct module {
	struct lower l;			/* l.mod is the result */
	struct target_machine target;
};

/* ctx is borrowed and holds the module afterwards.  no_rooms: see struct lower.  Returns 0
 * or a negative diagnostic; call module_close either way. */
int module_make(struct arena *a, LLVMContextRef ctx, const struct unit *u,
		const struct vfy_result *const *facts, const struct compile_opts *opts,
		bool no_rooms, struct module *m, struct diags *dg);
/* Disposes of the module, unless l.mod was taken (set to NULL), and the target machine. */
void module_close(struct module *m);

/* Name of the C-ABI function of program i in a module made for the VM; external there. */
char *module_prog_name(struct arena *a, size_t i);

/* Reports LLVM's text, which is disposed of, as a bug of ours: a negative diagnostic. */
int module_internal_error(struct module *m, const char *what, char *text);

/* The attributes that all code of the module has. */
void module_set_attributes(struct module *m, LLVMValueRef fn);

/* Runs the passes of opts->opt_level, and what of ours comes behind them (optimise.c). */
int module_optimise(struct module *m);

/* Object code, or assembly text. */
int module_emit(struct module *m, LLVMCodeGenFileType type, struct bytes *out);

/* Calls of memcpy and its kin that instruction selection would otherwise make to a libc
 * that hook objects do not have: expanded in place or into loops of our own (libcalls.c). */
void libcalls_expand(struct module *m);

/* Addresses of places on the stack are computed where they are used (stack_places.c). */
void stack_places_near(struct module *m);

/* Blocks lie as a compiler writes them from source (block_order.c). */
void blocks_in_order(struct module *m);

#endif
