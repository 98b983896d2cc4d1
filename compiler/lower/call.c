/* SPDX-License-Identifier: MIT
 *
 * Calls: helpers (the runtime's bpftime_h_<name>, inlined later), subprograms, and
 * callx, which unverified programs may use. */
#include "lower.h"
#include "maps.h"
#include "tables.h"

enum {
	TAIL_CALL_LIMIT = 33,	/* the kernel's MAX_TAIL_CALL_CNT */
	MANY_MAP_OPERATIONS = 32,	/* of one program: no more of them are inlined */
};

static struct loc at(const struct lower_func *f, uint32_t i)
{
	const struct unit *u = f->l->u;

	return at_insn(u->path, f->p->prog->name, i, unit_src(u, f->p->prog, i));
}

static bool is_u64(enum helper_arg a)
{
	return a == ARG_ANY || a == ARG_SCALAR || a == ARG_UNCHECKED || a == ARG_SIZE || a == ARG_SIZE0 || a == ARG_CONST_SIZE ||
	       a == ARG_TASK || a == ARG_TYPE;
}

LLVMValueRef lower_runtime(struct lower *l, const char *name, LLVMTypeRef type)
{
	LLVMValueRef fn = LLVMGetNamedFunction(l->mod, name), from;

	if (fn || !l->runtime)
		return fn;
	from = LLVMGetNamedFunction(l->runtime, name);
	if (!from || LLVMIsDeclaration(from) || LLVMGlobalGetValueType(from) != type)
		return NULL;
	return LLVMAddFunction(l->mod, name, type);
}

static LLVMTypeRef helper_type(struct lower *l, const struct helper_proto *h)
{
	LLVMTypeRef arg[10], ret = l->ptr;
	unsigned n = 0;

	for (int i = 0; i < 5 && h->arg[i] != ARG_NONE; i++) {
		arg[n++] = is_u64(h->arg[i]) ? l->i64 : l->ptr;
		if (h->arg[i] == ARG_MAP)
			arg[n++] = l->ptr;
	}
	if (h->ret == RET_VOID)
		ret = l->void_;
	else if (!ret_is_pointer(h->ret))
		ret = l->i64;
	return LLVMFunctionType(ret, arg, n, 0);
}

/* The runtime's function for a row, NULL when it has none of that signature.  Of some there is one
 * for each kind of map. */
static LLVMValueRef helper_fn(struct lower *l, const struct helper_proto *h, int32_t map)
{
	LLVMTypeRef type = helper_type(l, h);
	LLVMValueRef fn = NULL;

	if (map >= 0)
		fn = lower_runtime(l, arena_printf(l->a, "bpftime_h_%s_%s", h->name,
						   map_row(l->u->map[map].type)->name), type);
	return fn ? fn : lower_runtime(l, arena_printf(l->a, "bpftime_h_%s", h->name), type);
}

/* The map that is the argument of the call at slot i, -1: none, or not always the same. */
static int32_t map_of(const struct lower_func *f, uint32_t i)
{
	return f->p->facts ? f->p->facts->insn[i].map : -1;
}

/* What init and the runtime see to for every map inside a map of maps: all but the number of
 * entries is as the template says, and its base lies behind slot_rel. */
static void assume_template(struct lower *l, LLVMValueRef desc, const struct unit_map *t)
{
	const struct {
		size_t off;
		uint32_t value;
	} field[] = {
		{ offsetof(struct bpftime_map, type), t->type },
		{ offsetof(struct bpftime_map, key_size), t->key_size },
		{ offsetof(struct bpftime_map, value_size), t->value_size },
		{ offsetof(struct bpftime_map, flags), t->flags },
		{ offsetof(struct bpftime_map, lock), t->lock },
		{ offsetof(struct bpftime_map, room_rel), 0 },
	};
	unsigned id = LLVMLookupIntrinsicID("llvm.assume", 11);
	LLVMValueRef fn = LLVMGetIntrinsicDeclaration(l->mod, id, NULL, 0), at, v;

	for (size_t i = 0; i < sizeof(field) / sizeof(field[0]); i++) {
		v = lower_imm(l->i64, (int64_t)field[i].off);
		at = LLVMBuildGEP2(l->b, l->i8, desc, &v, 1, "");
		v = LLVMBuildICmp(l->b, LLVMIntEQ, LLVMBuildLoad2(l->b, l->i32, at, ""),
				  lower_imm(l->i32, field[i].value), "");
		LLVMBuildCall2(l->b, LLVMGlobalGetValueType(fn), fn, &v, 1, "");
	}
}

/* The map argument: known at compile time (then everything about it is a constant), or a
 * descriptor whose base is read at run time. */
void lower_map_arg(struct lower_func *f, uint32_t i, unsigned r, LLVMValueRef out[2])
{
	const struct vfy_result *facts = f->p->facts;
	struct lower *l = f->l;
	LLVMTypeRef type = LLVMFunctionType(l->ptr, &l->ptr, 1, 0);

	if (facts && facts->insn[i].map >= 0) {
		out[0] = l->map[facts->insn[i].map].desc;
		out[1] = lower_map_base(l, (size_t)facts->insn[i].map);
	} else {
		out[0] = reg_ptr(f, r);
		if (facts && facts->insn[i].inner >= 0)
			assume_template(l, out[0], &l->u->map[facts->insn[i].inner]);
		out[1] = LLVMBuildCall2(l->b, type, l->map_base, out, 1, "");
	}
}

/* Where the code of a map operation goes. */
static enum lower_op place_of(struct lower_func *f, uint32_t i, int32_t map)
{
	const struct unit_map *m = map >= 0 ? &f->l->u->map[map] : NULL;

	if (f->in_cold)
		return LOWER_OP_COLD;
	if (m && (m->type == MAP_TYPE_array || m->type == MAP_TYPE_percpu_array))
		return LOWER_OP_HERE;	/* an addition and a comparison */
	if (f->p->prog->insn[i].imm == HELPER_map_delete_elem)
		return LOWER_OP_APART;	/* long, and where a key is deleted it was looked up as well */
	return f->p->n_inlined++ >= MANY_MAP_OPERATIONS ? LOWER_OP_APART : LOWER_OP_HERE;
}

static void call_helper(struct lower_func *f, uint32_t i, const struct helper_proto *h,
			LLVMValueRef fn)
{
	LLVMTypeRef type = helper_type(f->l, h);
	LLVMValueRef arg[10], v;
	struct lower *l = f->l;
	enum lower_op op = LOWER_OP_HERE;
	int32_t map = map_of(f, i);
	unsigned n = 0;

	for (unsigned k = 0; k < 5 && h->arg[k] != ARG_NONE; k++) {
		if (h->arg[k] == ARG_MAP) {
			lower_map_arg(f, i, k + 1, &arg[n]);
			n += 2;
		} else if (is_u64(h->arg[k])) {
			arg[n++] = reg_get(f, k + 1);
		} else {
			arg[n++] = reg_ptr(f, k + 1);
		}
	}
	if (h->arg[0] == ARG_MAP) {
		op = place_of(f, i, map);
		if (map >= 0 || op != LOWER_OP_HERE)
			fn = lower_map_op(l, h, fn, map, op);
	}
	v = LLVMBuildCall2(l->b, type, fn, arg, n, "");
	if (op != LOWER_OP_HERE)
		LLVMSetInstructionCallConv(v, l->hook_cc);
	if (h->ret == RET_VOID)
		reg_set(f, 0, lower_imm(l->i64, 0));
	else if (ret_is_pointer(h->ret))
		reg_set_ptr(f, 0, v);
	else
		reg_set(f, 0, v);
}

LLVMValueRef lower_call_func(struct lower_func *f, const struct lower_func *callee,
			     const LLVMValueRef num[5], const LLVMValueRef ptr[5],
			     LLVMValueRef tail_count)
{
	LLVMValueRef arg[LOWER_SUB_ARGS], v;

	arg[10] = tail_count;
	arg[11] = f->gave_up ? f->gave_up : LLVMGetPoison(f->l->ptr);
	for (unsigned k = 0; k < 5; k++) {
		arg[k] = num[k];
		arg[5 + k] = kind_has_twin(callee->in.reg[k + 1]) ? ptr[k]
							       : LLVMGetPoison(f->l->ptr);
	}
	v = LLVMBuildCall2(f->l->b, LLVMGlobalGetValueType(callee->fn), callee->fn, arg,
			   LOWER_SUB_ARGS, "");
	lower_check_gave_up(f);
	return v;
}

static void call_local(struct lower_func *f, const struct lower_func *callee)
{
	LLVMValueRef num[5], ptr[5];

	for (unsigned k = 0; k < 5; k++) {
		num[k] = reg_get(f, k + 1);
		ptr[k] = kind_has_twin(callee->in.reg[k + 1]) ? reg_ptr(f, k + 1) : NULL;
	}
	reg_set(f, 0, lower_call_func(f, callee, num, ptr, f->tail_count));
}

/* Ends the block when the slot holds a program: main jumps there, a subprogram calls it and
 * returns what it returned, as in the kernel. Else goes on behind the call.  All programs of a
 * chain count in one place, which whoever called the first one provides. */
static int tail_call(struct lower_func *f, uint32_t i)
{
	struct lower *l = f->l;
	LLVMBuilderRef b = l->b;
	LLVMTypeRef find_t = LLVMFunctionType(l->ptr, (LLVMTypeRef[]){ l->ptr, l->ptr, l->ptr,
					      l->i64, l->i64 }, 5, 0);
	LLVMTypeRef body_t = LLVMFunctionType(l->i64, (LLVMTypeRef[]){ l->ptr, l->i64 }, 2, 0);
	LLVMValueRef find = lower_runtime(l, "bpftime_h_tail_call", find_t), arg[5], count, n, to, v;
	LLVMBasicBlockRef counted = LLVMAppendBasicBlockInContext(l->ctx, f->fn, "");
	LLVMBasicBlockRef look = LLVMAppendBasicBlockInContext(l->ctx, f->fn, "");
	LLVMBasicBlockRef jump = LLVMAppendBasicBlockInContext(l->ctx, f->fn, "");
	LLVMBasicBlockRef on = LLVMAppendBasicBlockInContext(l->ctx, f->fn, "");

	if (!find)
		return diag(l->dg, DIAG_C003, at(f, i), "tail_call: not in the runtime for %s",
			    l->target);
	reg_set(f, 0, lower_imm(l->i64, 0));
	v = LLVMBuildICmp(b, LLVMIntEQ, f->tail_count, lower_imm(l->i64, 0), "");
	LLVMBuildCondBr(b, v, on, counted);
	LLVMPositionBuilderAtEnd(b, counted);
	count = LLVMBuildIntToPtr(b, f->tail_count, l->ptr, "");
	n = LLVMBuildLoad2(b, l->i64, count, "");
	v = LLVMBuildICmp(b, LLVMIntULT, n, lower_imm(l->i64, TAIL_CALL_LIMIT), "");
	LLVMBuildCondBr(b, v, look, on);
	LLVMPositionBuilderAtEnd(b, look);
	arg[0] = reg_ptr(f, 1);
	lower_map_arg(f, i, 2, &arg[1]);
	arg[3] = LLVMBuildAnd(b, reg_get(f, 3), lower_imm(l->i64, UINT32_MAX), "");
	arg[4] = lower_imm(l->i64, f->p->prog->type);
	to = LLVMBuildCall2(b, find_t, find, arg, 5, "");
	v = LLVMBuildICmp(b, LLVMIntEQ, to, LLVMConstNull(l->ptr), "");
	LLVMBuildCondBr(b, v, on, jump);
	LLVMPositionBuilderAtEnd(b, jump);
	LLVMBuildStore(b, LLVMBuildAdd(b, n, lower_imm(l->i64, 1), ""), count);
	v = LLVMBuildCall2(b, body_t, to, (LLVMValueRef[]){ arg[0], f->tail_count }, 2, "");
	if (f->start == 0)
		LLVMSetTailCallKind(v, LLVMTailCallKindMustTail);
	LLVMBuildRet(b, v);
	LLVMPositionBuilderAtEnd(b, on);
	return 0;
}

/* callx: the register holds a helper's id, or that of a function of this program. */
static void call_indirect(struct lower_func *f, uint32_t i)
{
	const struct bpfi *in = &f->p->prog->insn[i];
	struct lower *l = f->l;
	LLVMBasicBlockRef done = LLVMAppendBasicBlockInContext(l->ctx, f->fn, "");
	LLVMBasicBlockRef direct = LLVMAppendBasicBlockInContext(l->ctx, f->fn, "");
	LLVMValueRef to = reg_get(f, in->dst), sw = LLVMBuildSwitch(l->b, to, direct, 8);
	LLVMValueRef num[5], ptr[5];

	for (int id = 0; id < HELPER_ID_END; id++) {
		const struct helper_proto *h = helper_proto(id);
		LLVMValueRef fn = h && !h->refused ? helper_fn(l, h, -1) : NULL;
		LLVMBasicBlockRef bb;

		if (!fn || id == HELPER_tail_call)
			continue;
		bb = LLVMAppendBasicBlockInContext(l->ctx, f->fn, "");
		LLVMAddCase(sw, lower_imm(l->i64, id), bb);
		LLVMPositionBuilderAtEnd(l->b, bb);
		call_helper(f, i, h, fn);
		LLVMBuildBr(l->b, done);
	}
	LLVMPositionBuilderAtEnd(l->b, direct);
	for (unsigned k = 0; k < 5; k++) {
		num[k] = reg_get(f, k + 1);
		ptr[k] = reg_ptr(f, k + 1);
	}
	reg_set(f, 0, lower_call_id(f, to, num, ptr));
	LLVMBuildBr(l->b, done);
	LLVMPositionBuilderAtEnd(l->b, done);
}

/* A value of that width (unit_extern), as C passes it. */
static LLVMValueRef c_value(struct lower *l, LLVMValueRef v, uint8_t width)
{
	LLVMTypeRef type = LLVMIntTypeInContext(l->ctx, (width & ~EXTERN_SIGNED & 15) * 8u);

	if (type == l->i64)
		return v;
	v = LLVMBuildTrunc(l->b, v, type, "");
	return width & EXTERN_SIGNED ? LLVMBuildSExt(l->b, v, l->i64, "") : LLVMBuildZExt(l->b, v, l->i64, "");
}

/* A function of the binary (docs/ufunc.md). */
static int call_host(struct lower_func *f, uint32_t i)
{
	struct lower *l = f->l;
	size_t n = (size_t)f->p->prog->insn[i].imm;
	const struct unit_extern *e = &l->u->ext[n];
	LLVMTypeRef t[6] = { l->ptr, l->i64, l->i64, l->i64, l->i64, l->i64 };
	LLVMTypeRef type = LLVMFunctionType(l->i64, t, 6, 0);
	LLVMValueRef fn = lower_runtime(l, "bpftime_h_host", type), arg[6], v;

	if (!fn || l->no_rooms || l->opts->vm)
		return diag(l->dg, DIAG_C003, at(f, i), "%s: functions of a binary are called where a program "
			    "is hooked into one", e->proto.name);
	arg[0] = tables_extern(l, n);
	for (unsigned k = 1; k <= 5; k++)
		arg[k] = e->width[k] ? c_value(l, reg_get(f, k), e->width[k]) : lower_imm(l->i64, 0);
	v = LLVMBuildCall2(l->b, type, fn, arg, 6, "");
	reg_set(f, 0, e->width[0] ? c_value(l, v, e->width[0]) : lower_imm(l->i64, 0));
	return 0;
}

int lower_call(struct lower_func *f, uint32_t i)
{
	const struct bpfi *in = &f->p->prog->insn[i];
	const struct helper_proto *h;
	LLVMValueRef fn;

	if (in->code == BPFI_JMP_CALLX) {
		if (f->p->facts)
			return diag(f->l->dg, DIAG_C001, at(f, i), "callx in a verified program");
		call_indirect(f, i);
		return 0;
	}
	switch (in->src) {
	case BPFI_CALL_LOCAL:
		call_local(f, lower_func_at(f->p, (int64_t)i + 1 + in->imm));
		return 0;
	case BPFI_CALL_HELPER:
		h = helper_proto(in->imm);
		if (!h)
			return diag(f->l->dg, DIAG_C003, at(f, i), "#%d", in->imm);
		if (h->refused)
			return diag(f->l->dg, DIAG_C003, at(f, i), "%s: %s", h->name, h->refused);
		if (in->imm == HELPER_tail_call)
			return tail_call(f, i);
		if (lower_calls_back(in))
			return lower_callback(f, i);
		if (in->imm == HELPER_spin_lock)
			return lower_spin_lock(f, i);
		fn = helper_fn(f->l, h, map_of(f, i));
		if (!fn)
			return diag(f->l->dg, DIAG_C003, at(f, i), "%s: not in the runtime for %s",
				    h->name, f->l->target);
		call_helper(f, i, h, fn);
		return 0;
	case BPFI_CALL_EXTERN:
		if ((uint32_t)in->imm >= f->l->u->n_ext)
			return diag(f->l->dg, DIAG_C003, at(f, i), "extern %d", in->imm);
		if (f->l->u->ext[in->imm].host)
			return call_host(f, i);
		call_helper(f, i, &f->l->u->ext[in->imm].proto,
			    lower_slot(f->l, f->l->ext_slot[in->imm]));
		return 0;
	default:
		h = (uint32_t)in->imm < f->l->u->n_kfunc ? kfunc_proto(f->l->u->kfunc[in->imm]) : NULL;
		if (h && (fn = helper_fn(f->l, h, map_of(f, i)))) {
			call_helper(f, i, h, fn);
			return 0;
		}
		return diag(f->l->dg, DIAG_C003, at(f, i), "kernel function %s",
			    (uint32_t)in->imm < f->l->u->n_kfunc ? f->l->u->kfunc[in->imm] : "?");
	}
}
