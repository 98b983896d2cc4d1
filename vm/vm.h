/* SPDX-License-Identifier: MIT
 *
 * vm.h - eBPF programs as functions of your own process.
 *
 *     struct vm *vm = vm_new();
 *
 *     vm_register(vm, 1, "emit", emit, &(struct vm_proto){ RET_INT, { ARG_MEM, ARG_SIZE } });
 *     if (vm_load_code(vm, insns, bytes, sizeof(event)) < 0 || vm_compile(vm, VM_JIT) < 0)
 *             errx(1, "%s", vm_error(vm));
 *     vm_run(vm, &event, sizeof(event), &r0);
 *
 * One program a vm.  It is verified before it is compiled: it ends, and it touches nothing but
 * its memory, its stack, its maps, and what registered functions do.
 *
 * Two libraries.  bpftime_vm is all of it, with LLVM.  bpftime_vm_run is what needs none: an
 * object that vm_emit() made elsewhere is loaded with vm_load_object() and run.
 *
 * Calls on one vm are made by one thread at a time; vm_run() and the function of
 * vm_function() by any number of threads.  A vm owns whatever it returns.  Results are 0 or a negative
 * diagnostic (abi/diags.def), which vm_error() has in words. */
#ifndef BPFTIME_VM_VM_H
#define BPFTIME_VM_VM_H

#include <stddef.h>
#include <stdint.h>

#include "helpers.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vm;
/* ctx: the program's memory.  arg: its bytes, for programs over memory (SEC("vm")); of other
 * kinds see objfmt_hook.body_rel. */
typedef uint64_t vm_fn(void *ctx, uint64_t arg);

struct vm *vm_new(void);
void vm_free(struct vm *vm);	/* NULL is fine */

/* The last error, one line; "" when there was none. */
const char *vm_error(const struct vm *vm);

/* What a registered function takes, checked at each call: ANY, SCALAR, UNCHECKED, or memory
 * (MEM, MEM_OR_NULL: read; MEM_UNINIT: written) whose size follows (SIZE, SIZE0).  ret: RET_INT or
 * RET_VOID. */
struct vm_proto {
	enum helper_ret ret;
	enum helper_arg arg[5];
};

/* Programs may call `fn` by `number` (it hides the helper of that number) or, in an object file,
 * as an extern function `name`.  Before a program is loaded.  Each argument is a uint64_t or, for
 * memory, a pointer.  proto NULL: five numbers of which nothing is checked, and a number back.
 * -DIAG_U001: the number is taken, or the prototype has other kinds. */
int vm_register(struct vm *vm, int32_t number, const char *name, void *fn,
		const struct vm_proto *proto);

/* An object of vm_emit(), or any hook object, copied; prog: NULL for the only program.  Maps are
 * private to this vm.  -DIAG_L...; -DIAG_L014: a function that the object calls is not registered
 * with that prototype. */
int vm_load_object(struct vm *vm, const void *object, size_t bytes, const char *prog);

/* Runs it.  mem: at least vm_mem_bytes() bytes; a program over memory sees that many.  (Of a
 * uprobe program: its registers, struct bpftime_frame_x86_64; of an XDP program: the packet, all
 * of it.)  -DIAG_U001: too little memory, or nothing to run. */
int vm_run(const struct vm *vm, void *mem, size_t bytes, uint64_t *r0);
size_t vm_mem_bytes(const struct vm *vm);
/* The function itself, NULL before there is one. */
vm_fn *vm_function(const struct vm *vm);

/* A map of the program, for the functions of rt_maps.h: attributes and data.  -DIAG_M003. */
struct vm_map {
	const struct bpftime_map *m;
	void *base;
};
int vm_map(struct vm *vm, const char *name, struct vm_map *out);

/* ---- with LLVM: library bpftime_vm ---- */

/* A program of bare instructions over mem_bytes bytes of memory: r1 points at it, r2 is its
 * size.  bytes: 8 times the instructions. */
int vm_load_code(struct vm *vm, const void *insns, size_t bytes, size_t mem_bytes);
/* One of an object file; prog: NULL for the only one.  mem_bytes: for SEC("vm") without a size. */
int vm_load_elf(struct vm *vm, const char *path, const char *prog, size_t mem_bytes);

/* From now on programs are not verified, and may do anything; for development. */
void vm_trust(struct vm *vm);

enum vm_engine {
	VM_JIT,		/* for the machine this runs on, vectors included */
	VM_AOT,		/* the object of vm_emit(), loaded */
};
/* Verifies and compiles what was loaded.  -DIAG_V...: refused by the verifier. */
int vm_compile(struct vm *vm, enum vm_engine engine);
/* Verifies, and makes the object. */
int vm_emit(struct vm *vm, const void **object, size_t *bytes);

#ifdef __cplusplus
}
#endif
#endif
