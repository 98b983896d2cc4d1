/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "compiler.h"
#include "engine.h"
#include "relocator.h"
#include "vm_priv.h"

static void close_compiled(struct vm *vm)
{
	engine_close(vm->engine);
	unit_free(vm->unit);
	vm->engine = NULL;
	vm->unit = NULL;
}

/* Calls of registered functions, by number or by name, become what the verifier and the
 * compiler know them as. */
static void resolve_externs(const struct vm *vm, const struct unit *u, struct unit_prog *p)
{
	for (uint32_t i = 0; i < p->n_insn; i++) {
		struct bpfi *in = &p->insn[i];

		if (in->code == BPFI_LD_IMM64)
			i++;
		for (size_t k = 0; in->code == BPFI_JMP_CALL && k < vm->n_ext; k++) {
			bool by_number = in->src == BPFI_CALL_HELPER && in->imm == vm->ext[k].id;
			bool by_name = in->src == BPFI_CALL_KFUNC && (uint32_t)in->imm < u->n_kfunc &&
				       !strcmp(u->kfunc[in->imm], vm->ext[k].proto.name);

			if (by_number || by_name) {
				in->src = BPFI_CALL_EXTERN;
				in->imm = (int32_t)k;
				break;
			}
		}
	}
}

static void take(struct vm *vm, struct unit *u, size_t prog)
{
	struct unit_prog *p = &u->prog[prog];

	for (size_t i = 0; i < u->n_ext; i++)	/* .ufuncs: of a binary, of which there is none here */
		diag(&vm->dg, DIAG_R008, at_file(u->path), "'%s': register it, and declare it __ksym",
		     u->ext[i].proto.name);
	u->ext = vm->ext;
	u->n_ext = vm->n_ext;
	for (size_t i = 0; i < u->n_prog; i++)
		resolve_externs(vm, u, &u->prog[i]);
	vm->unit = u;
	vm->prog = prog;
	vm->type = p->type;
	vm->close = close_compiled;
	if (p->type == PROG_VM)
		vm->mem_bytes = p->mem_bytes;
	else
		vm->mem_bytes = p->type == PROG_XDP ? 0 : sizeof(struct bpftime_frame_x86_64);
}

int vm_load_code(struct vm *vm, const void *insns, size_t bytes, size_t mem_bytes)
{
	struct arena *a;
	struct unit_prog *p;
	struct unit *u;
	int r;

	vm_begin(vm);
	if ((r = vm_loaded_twice(vm)) < 0)
		return r;
	if (!bytes || bytes % sizeof(struct bpfi) || bytes / sizeof(struct bpfi) > INT32_MAX ||
	    mem_bytes > INT32_MAX)
		return diag(&vm->dg, DIAG_U001, at_file("code"), "%zu bytes of instructions over %zu bytes "
			    "of memory", bytes, mem_bytes);
	a = arena_new();
	u = arena_alloc(a, sizeof(*u));
	p = arena_alloc(a, sizeof(*p));
	*p = (struct unit_prog){
		.name = "prog", .sec = arena_printf(a, "vm/%zu", mem_bytes), .kind = HOOK_vm,
		.type = PROG_VM, .mem_bytes = (uint32_t)mem_bytes,
		.insn = arena_dup(a, insns, bytes), .n_insn = (uint32_t)(bytes / sizeof(struct bpfi)),
	};
	p->spec = p->sec + 3;
	unit_find_funcs(a, p);
	*u = (struct unit){ .arena = a, .path = "code", .name = "code", .license = "", .prog = p,
			    .n_prog = 1 };
	take(vm, u, 0);
	return 0;
}

static int find_prog(struct vm *vm, const struct unit *u, const char *prog, size_t *out)
{
	for (*out = 0; *out < u->n_prog; ++*out)
		if (prog ? !strcmp(u->prog[*out].name, prog) : u->n_prog == 1)
			return 0;
	return diag(&vm->dg, DIAG_U001, at_file(u->path), prog ? "no program %s" : "which program?",
		    prog);
}

int vm_load_elf(struct vm *vm, const char *path, const char *prog, size_t mem_bytes)
{
	struct relocate_opts ro = { 0 };
	struct unit *u;
	size_t i;
	int r;

	vm_begin(vm);
	if ((r = vm_loaded_twice(vm)) < 0 || (r = relocate(path, &ro, &u, &vm->dg)) < 0)
		return r;
	if ((r = find_prog(vm, u, prog, &i)) < 0) {
		unit_free(u);
		return r;
	}
	if (u->prog[i].type == PROG_VM && !u->prog[i].spec[0] && mem_bytes <= INT32_MAX) {
		u->prog[i].mem_bytes = (uint32_t)mem_bytes;
		u->prog[i].sec = arena_printf(u->arena, "vm/%zu", mem_bytes);
	}
	take(vm, u, i);
	return 0;
}

/* Facts about all programs of the unit: any may be the target of a tail call. */
static int verify(struct vm *vm, const struct vfy_result ***facts)
{
	const struct vfy_opts vo = { 0 };
	const struct unit *u = vm->unit;

	if (!u)
		return diag(&vm->dg, DIAG_U001, at_file(NULL), "no program is loaded");
	*facts = arena_array(vm->a, u->n_prog, sizeof(**facts));
	for (size_t i = 0; i < u->n_prog && !vm->trusted; i++) {
		struct vfy_result *res = arena_alloc(vm->a, sizeof(*res));
		int r = vfy_verify(vm->a, u, &u->prog[i], &vo, res, &vm->dg);

		if (r < 0)
			return r;
		(*facts)[i] = res;
	}
	return 0;
}

static struct compile_opts options(const struct vm *vm)
{
	return (struct compile_opts){ .opt_level = 3, .unverified = vm->trusted, .vm = true };
}

int vm_compile(struct vm *vm, enum vm_engine engine)
{
	struct compile_opts o = options(vm);
	const struct vfy_result **facts;
	int r;

	vm_begin(vm);
	if (vm->engine)
		return diag(&vm->dg, DIAG_U001, at_file(NULL), "it is compiled already");
	if ((r = verify(vm, &facts)) < 0)
		return r;
	r = engine_open(vm->a, engine == VM_JIT ? ENGINE_JIT : ENGINE_AOT, vm->unit, facts, &o,
			&vm->engine, &vm->dg);
	if (r < 0)
		return r;
	vm->fn = engine_prog(vm->engine, vm->prog);
	vm->loaded = engine_loaded(vm->engine);
	return 0;
}

int vm_emit(struct vm *vm, const void **object, size_t *bytes)
{
	struct compile_opts o = options(vm);
	const struct vfy_result **facts;
	struct bytes out;
	int r;

	vm_begin(vm);
	if ((r = verify(vm, &facts)) < 0 ||
	    (r = compile_object(vm->a, vm->unit, facts, &o, &out, &vm->dg)) < 0)
		return r;
	*object = out.p;
	*bytes = out.n;
	return 0;
}
