/* SPDX-License-Identifier: MIT */
#include "vm_priv.h"

#include <stdlib.h>
#include <string.h>

#include "objfmt.h"
#include "rt_archive.h"

struct vm *vm_new(void)
{
	struct arena *a = arena_new();
	struct vm *vm = arena_alloc(a, sizeof(*vm));

	vm->a = a;
	return vm;
}

void vm_free(struct vm *vm)
{
	if (!vm)
		return;
	if (vm->close)
		vm->close(vm);
	lnk_unload(&vm->own);
	arena_free(vm->a);
}

const char *vm_error(const struct vm *vm)
{
	return vm->dg.first_text;
}

void vm_begin(struct vm *vm)
{
	vm->dg = (struct diags){ 0 };
}

int vm_loaded_twice(struct vm *vm)
{
	if (!vm->unit && !vm->loaded)
		return 0;
	return diag(&vm->dg, DIAG_U001, at_file(NULL), "a program is loaded already");
}

static bool is_memory(enum helper_arg a)
{
	return a == ARG_MEM || a == ARG_MEM_OR_NULL || a == ARG_MEM_UNINIT;
}

static bool proto_fits(const struct vm_proto *p)
{
	if (p->ret != RET_INT && p->ret != RET_VOID)
		return false;
	for (int i = 0; i < 5; i++) {
		enum helper_arg next = i < 4 ? p->arg[i + 1] : ARG_NONE;
		bool size = p->arg[i] == ARG_SIZE || p->arg[i] == ARG_SIZE0;

		if (is_memory(p->arg[i]) && next != ARG_SIZE && next != ARG_SIZE0)
			return false;
		if (size && (!i || !is_memory(p->arg[i - 1])))
			return false;
		if (p->arg[i] == ARG_NONE && next != ARG_NONE)
			return false;
		if (!size && !is_memory(p->arg[i]) && p->arg[i] != ARG_NONE && p->arg[i] != ARG_ANY &&
		    p->arg[i] != ARG_SCALAR && p->arg[i] != ARG_UNCHECKED)
			return false;
	}
	return true;
}

int vm_register(struct vm *vm, int32_t number, const char *name, void *fn,
		const struct vm_proto *proto)
{
	static const struct vm_proto numbers = {
		RET_INT, { ARG_UNCHECKED, ARG_UNCHECKED, ARG_UNCHECKED, ARG_UNCHECKED, ARG_UNCHECKED },
	};
	const struct vm_proto *p = proto ? proto : &numbers;
	struct unit_extern *e = &vm->ext[vm->n_ext];
	int r;

	vm_begin(vm);
	if ((r = vm_loaded_twice(vm)) < 0)
		return r;
	if (!name || !*name || strlen(name) > 255 || !fn || number < 0 || !proto_fits(p))
		return diag(&vm->dg, DIAG_U001, at_file(name), "a number from 0, a name, a function, "
			    "and a prototype of the kinds in vm.h");
	if (vm->n_ext == VM_MAX_EXTERNS)
		return diag(&vm->dg, DIAG_U001, at_file(name), "more than %d functions", VM_MAX_EXTERNS);
	for (size_t i = 0; i < vm->n_ext; i++)
		if (vm->ext[i].id == number || !strcmp(vm->ext[i].proto.name, name))
			return diag(&vm->dg, DIAG_U001, at_file(name), "registered already, as number %d",
				    vm->ext[i].id);
	*e = (struct unit_extern){
		.id = number, .at = fn,
		.proto = { .name = arena_strdup(vm->a, name),
			   .progs = PROGS_ALL, .ret = (uint8_t)p->ret },
	};
	for (int i = 0; i < 5; i++)
		e->proto.arg[i] = (uint8_t)p->arg[i];
	vm->n_ext++;
	return 0;
}

static void *extern_at(void *arg, const struct objfmt_extern *row, const char *name)
{
	const struct vm *vm = arg;

	for (size_t i = 0; i < vm->n_ext; i++) {
		const struct unit_extern *e = &vm->ext[i];

		if (e->id == row->id && !strcmp(e->proto.name, name) && e->proto.ret == row->ret &&
		    !memcmp(e->proto.arg, row->arg, sizeof(row->arg)))
			return e->at;
	}
	return NULL;
}

/* The program of that name, or the only one. */
static int find_prog(struct vm *vm, const struct lnk *l, const char *prog)
{
	int64_t i = prog ? lnk_find_hook(l, prog) : lnk_n_hooks(l) == 1 ? 0 : -1;
	const struct lnk_hook *h;

	if (i < 0)
		return diag(&vm->dg, DIAG_U001, at_file(prog),
			    prog ? "no such program" : "which of %zu programs?", lnk_n_hooks(l));
	h = lnk_hook(l, (size_t)i);
	vm->type = (enum prog_type)hook_table[h->row->kind].prog_type;
	if (vm->type == PROG_VM)	/* "vm/256" */
		vm->mem_bytes = strchr(h->sec, '/') ? strtoul(strchr(h->sec, '/') + 1, NULL, 0) : 0;
	else
		vm->mem_bytes = vm->type == PROG_XDP ? 0 : sizeof(struct bpftime_frame_x86_64);
	vm->fn = (vm_fn *)(uintptr_t)lnk_body_vaddr(l, (uint32_t)i);
	if (!vm->fn)
		return diag(&vm->dg, DIAG_U001, at_file(h->prog),
			    "it can only be spliced; vm_emit() makes what can be run");
	return 0;
}

int vm_load_object(struct vm *vm, const void *object, size_t bytes, const char *prog)
{
	struct bytes archive = rt_archive();
	struct bytes copy = { arena_dup(vm->a, object, bytes), bytes };
	struct lnk *l = lnk_new(vm->a, archive);
	int r;

	vm_begin(vm);
	if ((r = vm_loaded_twice(vm)) < 0 ||
	    (r = lnk_add_object(l, "object", copy, vm->trusted, &vm->dg)) < 0 ||
	    (r = lnk_load_here(l, PAYLOAD_PRIVATE, &vm->own, &vm->dg)) < 0)
		return r;
	if ((r = lnk_loaded_bind(&vm->own, extern_at, vm, &vm->dg)) < 0 ||
	    (r = find_prog(vm, l, prog)) < 0) {
		lnk_unload(&vm->own);
		return r;
	}
	vm->loaded = &vm->own;
	return 0;
}

void vm_trust(struct vm *vm)
{
	vm->trusted = true;
}

vm_fn *vm_function(const struct vm *vm) { return vm->fn; }
size_t vm_mem_bytes(const struct vm *vm) { return vm->mem_bytes; }

int vm_run(const struct vm *vm, void *mem, size_t bytes, uint64_t *r0)
{
	struct bpftime_xdp xdp = {
		.data = (uintptr_t)mem, .data_meta = (uintptr_t)mem, .data_end = (uintptr_t)mem + bytes,
	};
	uint64_t tail_calls = 0;

	if (!vm->fn || bytes < vm->mem_bytes)
		return -DIAG_U001;
	if (vm->type == PROG_VM)
		*r0 = vm->fn(mem, vm->mem_bytes);
	else
		*r0 = vm->fn(vm->type == PROG_XDP ? &xdp : mem, (uintptr_t)&tail_calls);
	return 0;
}

int vm_map(struct vm *vm, const char *name, struct vm_map *out)
{
	const struct bpftime_map *m = vm->loaded ? lnk_loaded_map(vm->loaded, name) : NULL;

	vm_begin(vm);
	if (!m || !lnk_loaded_base(m))
		return diag(&vm->dg, DIAG_M003, at_file(name), "the program has none of that name");
	*out = (struct vm_map){ m, lnk_loaded_base(m) };
	return 0;
}
