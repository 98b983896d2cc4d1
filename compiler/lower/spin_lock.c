/* SPDX-License-Identifier: MIT
 *
 * bpf_spin_lock.  A lock that cannot be had ends the program, as if it returned 0 there: the
 * functions that are active note it for their callers and return. */
#include "lower.h"

static struct loc at(const struct lower_func *f, uint32_t i)
{
	const struct unit *u = f->l->u;

	return at_insn(u->path, f->p->prog->name, i, unit_src(u, f->p->prog, i));
}

/* Goes on in a new block if `ok`, else returns 0; with `note` callers hear of it. */
static void go_on_if(struct lower_func *f, LLVMValueRef ok, bool note)
{
	struct lower *l = f->l;
	LLVMBasicBlockRef end = LLVMAppendBasicBlockInContext(l->ctx, f->fn, "");
	LLVMBasicBlockRef go_on = LLVMAppendBasicBlockInContext(l->ctx, f->fn, "");

	LLVMBuildCondBr(l->b, ok, go_on, end);
	LLVMPositionBuilderAtEnd(l->b, end);
	if (note)
		LLVMBuildStore(l->b, lower_imm(l->i64, 1), f->gave_up);
	LLVMBuildRet(l->b, lower_imm(l->i64, 0));
	LLVMPositionBuilderAtEnd(l->b, go_on);
}

int lower_spin_lock(struct lower_func *f, uint32_t i)
{
	struct lower *l = f->l;
	int32_t map = f->p->facts ? f->p->facts->insn[i].map : -1;
	LLVMTypeRef type = LLVMFunctionType(l->i64, (LLVMTypeRef[]){ l->ptr, l->ptr, l->ptr }, 3, 0);
	LLVMValueRef fn = lower_runtime(l, "bpftime_h_spin_lock", type), arg[3], v;

	if (!fn)
		return diag(l->dg, DIAG_C003, at(f, i), "spin_lock: not in the runtime for %s", l->target);
	arg[0] = map < 0 ? LLVMConstNull(l->ptr) : l->map[map].desc;
	arg[1] = map < 0 ? LLVMConstNull(l->ptr) : lower_map_base(l, (size_t)map);
	arg[2] = reg_ptr(f, 1);
	v = LLVMBuildCall2(l->b, type, fn, arg, 3, "");
	go_on_if(f, LLVMBuildICmp(l->b, LLVMIntEQ, v, lower_imm(l->i64, 0), ""), true);
	reg_set(f, 0, lower_imm(l->i64, 0));
	return 0;
}

void lower_check_gave_up(struct lower_func *f)
{
	struct lower *l = f->l;
	LLVMValueRef v;

	if (!f->gave_up || f->draining)
		return;
	v = LLVMBuildLoad2(l->b, l->i64, f->gave_up, "");
	go_on_if(f, LLVMBuildICmp(l->b, LLVMIntEQ, v, lower_imm(l->i64, 0), ""), false);
}
