/* SPDX-License-Identifier: MIT
 *
 * Functions of the binary that programs are hooked into: externs in the section .ufuncs (docs/ufunc.md).
 * What is checked is their prototype, by BTF; addresses are the patcher's. */
#include "helpers.h"
#include "obj.h"

enum { MAX_ARGS = 5 };

static int refuse(struct obj *o, const struct obj_ext *x, const char *why)
{
	return diag(o->dg, DIAG_R008, at_sec(o, ".ufuncs", -1), "'%s': %s", x->name, why);
}

/* Bytes | EXTERN_SIGNED of an integer, an enum or a pointer; 0: it is something else. */
static uint8_t width_of(struct obj *o, uint32_t type)
{
	const struct btf_type *t = btf_strip(o->btf, type, NULL);

	if (btf_is_ptr(t))
		return 8;
	if (btf_is_any_enum(t))
		return t->size <= 8 ? (uint8_t)(t->size | (btf_kflag(t) ? EXTERN_SIGNED : 0)) : 0;
	if (!btf_is_int(t) || t->size > 8 || t->size & (t->size - 1))
		return 0;
	return (uint8_t)(t->size | (btf_int_encoding(t) & BTF_INT_SIGNED ? EXTERN_SIGNED : 0));
}

int obj_add_host_function(struct obj *o, struct obj_ext *x)
{
	const struct btf_type *fn = btf__type_by_id(o->btf, x->btf_id);
	const struct btf_type *proto = btf__type_by_id(o->btf, fn->type);
	struct unit_extern e = { .id = (int32_t)o->u->n_ext, .host = true };

	if (x->weak)
		return refuse(o, x, "a weak one; where it is missing the program is not attached");
	if (btf_vlen(proto) > MAX_ARGS)
		return refuse(o, x, "more than 5 arguments");
	e.proto.name = arena_printf(o->a, "%s", x->name);
	e.proto.progs = PROGS_ALL;
	e.proto.ret = RET_INT;
	if (proto->type) {
		e.width[0] = width_of(o, proto->type);
		if (!e.width[0])
			return refuse(o, x, "its result is no integer and no pointer");
	} else {
		e.proto.ret = RET_VOID;
	}
	for (unsigned i = 0; i < btf_vlen(proto); i++) {
		if (!btf_params(proto)[i].type)
			return refuse(o, x, "a variable number of arguments");
		e.width[i + 1] = width_of(o, btf_params(proto)[i].type);
		e.proto.arg[i] = ARG_SCALAR;
		if (!e.width[i + 1])
			return refuse(o, x, "an argument is no integer and no pointer");
	}
	x->kfunc = e.id;
	*ARENA_PUSH(o->a, o->host, o->u->n_ext, o->host_cap) = e;
	o->u->ext = o->host;
	return 0;
}

int obj_ref_host_function(struct obj *o, const struct obj_ext *x, struct obj_func *f, uint32_t insn)
{
	struct bpfi *in = &f->insn[insn];

	if (in->code != BPFI_JMP_CALL || in->src != BPFI_CALL_LOCAL)
		return diag(o->dg, DIAG_R008, at_insn(o->path, f->name, insn, NULL),
			    "'%s': it can be called, and nothing else", x->name);
	in->src = BPFI_CALL_EXTERN;
	in->off = 0;
	in->imm = x->kfunc;
	return 0;
}
