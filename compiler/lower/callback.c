/* SPDX-License-Identifier: MIT
 *
 * bpf_loop, bpf_for_each_map_elem, bpf_user_ringbuf_drain: loops around a call of a function of
 * the program.
 *
 * Where the verifier saw one function only, it is called by name, and LLVM inlines it.  Else the
 * register holds a number (LOWER_FUNC_ID) and a switch leads to the calls: there is no address of
 * a function anywhere that a relocation would have to fill in. */
#include <errno.h>

#include "lower.h"

struct loop {			/* while it is built */
	LLVMBasicBlockRef head, body, end;
	LLVMValueRef n;		/* phi: calls made so far */
};

static struct loc at(const struct lower_func *f, uint32_t i)
{
	const struct unit *u = f->l->u;

	return at_insn(u->path, f->p->prog->name, i, unit_src(u, f->p->prog, i));
}

static LLVMBasicBlockRef new_block(struct lower_func *f)
{
	return LLVMAppendBasicBlockInContext(f->l->ctx, f->fn, "");
}

LLVMValueRef lower_call_id(struct lower_func *f, LLVMValueRef id, const LLVMValueRef num[5],
			   const LLVMValueRef ptr[5])
{
	struct lower *l = f->l;
	LLVMBasicBlockRef from = LLVMGetInsertBlock(l->b), done = new_block(f);
	LLVMValueRef sw = LLVMBuildSwitch(l->b, id, done, 4), one = lower_imm(l->i64, 1), phi;

	LLVMPositionBuilderAtEnd(l->b, done);
	phi = LLVMBuildPhi(l->b, l->i64, "");
	LLVMAddIncoming(phi, &one, &from, 1);
	for (size_t n = 1; n < f->p->prog->n_func; n++) {
		LLVMBasicBlockRef bb;
		LLVMValueRef v;

		if (!f->p->func[n].callback || !lower_is_called(f->p, &f->p->func[n]))
			continue;
		bb = new_block(f);
		LLVMAddCase(sw, lower_imm(l->i64, LOWER_FUNC_ID(n)), bb);
		LLVMPositionBuilderAtEnd(l->b, bb);
		v = lower_call_func(f, &f->p->func[n], num, ptr, lower_imm(l->i64, 0));
		bb = LLVMGetInsertBlock(l->b);
		LLVMBuildBr(l->b, done);
		LLVMAddIncoming(phi, &v, &bb, 1);
	}
	LLVMPositionBuilderAtEnd(l->b, done);
	return phi;
}

/* The function that r2 of the call at slot i stands for, with these arguments. */
static LLVMValueRef call_back(struct lower_func *f, uint32_t i, const LLVMValueRef num[5],
			      const LLVMValueRef ptr[5])
{
	int32_t known = f->p->facts ? f->p->facts->insn[i].func : -1;

	if (known < 0)
		return lower_call_id(f, reg_get(f, 2), num, ptr);
	return lower_call_func(f, lower_func_at(f->p, known), num, ptr, lower_imm(f->l->i64, 0));
}

/* r0 becomes -error unless ok; the code that follows is for when it is. */
static void insist(struct lower_func *f, LLVMValueRef ok, int error, LLVMBasicBlockRef end)
{
	struct lower *l = f->l;
	LLVMBasicBlockRef go_on = new_block(f);

	reg_set(f, 0, lower_imm(l->i64, -error));
	LLVMBuildCondBr(l->b, ok, go_on, end);
	LLVMPositionBuilderAtEnd(l->b, go_on);
}

static void open_loop(struct lower_func *f, struct loop *p)
{
	LLVMBasicBlockRef from = LLVMGetInsertBlock(f->l->b);
	LLVMValueRef zero = lower_imm(f->l->i64, 0);

	p->head = new_block(f);
	p->body = new_block(f);
	LLVMBuildBr(f->l->b, p->head);
	LLVMPositionBuilderAtEnd(f->l->b, p->head);
	p->n = LLVMBuildPhi(f->l->b, f->l->i64, "");
	LLVMAddIncoming(p->n, &zero, &from, 1);
}

/* Behind the call, which returned `stop`. */
static void close_loop(struct lower_func *f, struct loop *p, LLVMValueRef stop)
{
	struct lower *l = f->l;
	LLVMBasicBlockRef from = LLVMGetInsertBlock(l->b);
	LLVMValueRef n = LLVMBuildAdd(l->b, p->n, lower_imm(l->i64, 1), "");

	reg_set(f, 0, n);
	LLVMAddIncoming(p->n, &n, &from, 1);
	LLVMBuildCondBr(l->b, LLVMBuildICmp(l->b, LLVMIntEQ, stop, lower_imm(l->i64, 0), ""),
			p->head, p->end);
	LLVMPositionBuilderAtEnd(l->b, p->end);
}

static LLVMValueRef no_flags(struct lower_func *f)
{
	return LLVMBuildICmp(f->l->b, LLVMIntEQ, reg_get(f, 4), lower_imm(f->l->i64, 0), "");
}

/* kernel/bpf/bpf_iter.c, bpf_loop(): nr_loops is 32 bits wide. */
static void loop(struct lower_func *f, uint32_t i)
{
	struct lower *l = f->l;
	LLVMValueRef max = LLVMBuildZExt(l->b, reg_get_w(f, 1, l->i32), l->i64, "");
	LLVMValueRef zero = lower_imm(l->i64, 0), none = LLVMGetPoison(l->ptr);
	LLVMValueRef num[5] = { NULL, reg_get(f, 3), zero, zero, zero };
	LLVMValueRef ptr[5] = { none, reg_ptr(f, 3), none, none, none };
	struct loop p = { .end = new_block(f) };

	insist(f, no_flags(f), EINVAL, p.end);
	insist(f, LLVMBuildICmp(l->b, LLVMIntULE, max, lower_imm(l->i64, HELPER_MAX_LOOPS), ""),
	       E2BIG, p.end);
	reg_set(f, 0, zero);
	open_loop(f, &p);
	LLVMBuildCondBr(l->b, LLVMBuildICmp(l->b, LLVMIntULT, p.n, max, ""), p.body, p.end);
	LLVMPositionBuilderAtEnd(l->b, p.body);
	num[0] = p.n;
	close_loop(f, &p, call_back(f, i, num, ptr));
}

/* A variable of the whole function. */
static LLVMValueRef local(struct lower_func *f, uint64_t bytes)
{
	struct lower *l = f->l;
	LLVMBasicBlockRef from = LLVMGetInsertBlock(l->b);
	LLVMMetadataRef where = LLVMGetCurrentDebugLocation2(l->b);
	LLVMValueRef v;

	LLVMPositionBuilderBefore(l->b, LLVMGetFirstInstruction(LLVMGetEntryBasicBlock(f->fn)));
	LLVMSetCurrentDebugLocation2(l->b, NULL);
	v = LLVMBuildAlloca(l->b, LLVMArrayType2(l->i8, bytes), "");
	LLVMSetAlignment(v, 8);
	LLVMPositionBuilderAtEnd(l->b, from);
	LLVMSetCurrentDebugLocation2(l->b, where);
	return v;
}

/* kernel/bpf/{arraymap,hashtab}.c, bpf_for_each_{array,hash}_elem(). */
static int for_each(struct lower_func *f, uint32_t i)
{
	struct lower *l = f->l;
	LLVMTypeRef next_t = LLVMFunctionType(l->ptr, (LLVMTypeRef[]){ l->ptr, l->ptr, l->ptr }, 3, 0);
	LLVMValueRef next = lower_runtime(l, "bpftime_h_for_each_map_elem", next_t);
	LLVMValueRef off = lower_imm(l->i64, offsetof(struct helper_each, key));
	LLVMValueRef zero = lower_imm(l->i64, 0), arg[3], num[5], ptr[5];
	struct loop p = { .end = new_block(f) };

	if (!next)
		return diag(l->dg, DIAG_C003, at(f, i), "for_each_map_elem: not in the runtime for %s",
			    l->target);
	lower_map_arg(f, i, 1, arg);
	arg[2] = local(f, sizeof(struct helper_each));
	ptr[0] = arg[0];
	ptr[3] = reg_ptr(f, 3);
	num[3] = reg_get(f, 3);
	insist(f, no_flags(f), EINVAL, p.end);
	reg_set(f, 0, zero);
	LLVMBuildMemSet(l->b, arg[2], lower_imm(l->i8, 0),
			lower_imm(l->i64, sizeof(struct helper_each)), 8);
	open_loop(f, &p);
	ptr[2] = LLVMBuildCall2(l->b, next_t, next, arg, 3, "");
	LLVMBuildCondBr(l->b, LLVMBuildICmp(l->b, LLVMIntNE, ptr[2], LLVMConstNull(l->ptr), ""),
			p.body, p.end);
	LLVMPositionBuilderAtEnd(l->b, p.body);
	ptr[1] = LLVMBuildLoad2(l->b, l->ptr, LLVMBuildGEP2(l->b, l->i8, arg[2], &off, 1, ""), "");
	for (unsigned k = 0; k < 3; k++)
		num[k] = LLVMBuildPtrToInt(l->b, ptr[k], l->i64, "");
	num[4] = zero;
	ptr[4] = LLVMGetPoison(l->ptr);
	close_loop(f, &p, call_back(f, i, num, ptr));
	return 0;
}

static LLVMValueRef field(struct lower *l, LLVMValueRef base, size_t off)
{
	LLVMValueRef o = lower_imm(l->i64, (int64_t)off);

	return LLVMBuildGEP2(l->b, l->i8, base, &o, 1, "");
}

/* The runtime takes the samples, and says what becomes of r0. */
static int drain(struct lower_func *f, uint32_t i)
{
	struct lower *l = f->l;
	LLVMTypeRef next_t = LLVMFunctionType(l->i64, (LLVMTypeRef[]){ l->ptr, l->ptr, l->ptr }, 3, 0);
	LLVMValueRef next = lower_runtime(l, "bpftime_h_user_ringbuf_drain", next_t);
	LLVMValueRef zero = lower_imm(l->i64, 0), none = LLVMGetPoison(l->ptr), arg[3], more, stop;
	LLVMValueRef num[5] = { NULL, reg_get(f, 3), zero, zero, zero };
	LLVMValueRef ptr[5] = { NULL, reg_ptr(f, 3), none, none, none };
	LLVMBasicBlockRef head = new_block(f), body = new_block(f), end = new_block(f);

	if (!next)
		return diag(l->dg, DIAG_C003, at(f, i), "user_ringbuf_drain: not in the runtime for %s",
			    l->target);
	lower_map_arg(f, i, 1, arg);
	arg[2] = local(f, sizeof(struct helper_drain));
	LLVMBuildMemSet(l->b, arg[2], lower_imm(l->i8, 0),
			lower_imm(l->i64, sizeof(struct helper_drain)), 8);
	LLVMBuildStore(l->b, reg_get(f, 4), field(l, arg[2], offsetof(struct helper_drain, flags)));
	LLVMBuildBr(l->b, head);
	LLVMPositionBuilderAtEnd(l->b, head);
	more = LLVMBuildCall2(l->b, next_t, next, arg, 3, "");
	LLVMBuildCondBr(l->b, LLVMBuildICmp(l->b, LLVMIntNE, more, zero, ""), body, end);
	LLVMPositionBuilderAtEnd(l->b, body);
	ptr[0] = field(l, arg[2], offsetof(struct helper_drain, dynptr));
	num[0] = LLVMBuildPtrToInt(l->b, ptr[0], l->i64, "");
	f->draining = true;	/* the ring is given back first */
	stop = call_back(f, i, num, ptr);
	f->draining = false;
	if (f->gave_up)
		stop = LLVMBuildOr(l->b, stop, LLVMBuildLoad2(l->b, l->i64, f->gave_up, ""), "");
	LLVMBuildStore(l->b, stop, field(l, arg[2], offsetof(struct helper_drain, stop)));
	LLVMBuildBr(l->b, head);
	LLVMPositionBuilderAtEnd(l->b, end);
	reg_set(f, 0, LLVMBuildLoad2(l->b, l->i64,
				     field(l, arg[2], offsetof(struct helper_drain, result)), ""));
	lower_check_gave_up(f);
	return 0;
}

int lower_callback(struct lower_func *f, uint32_t i)
{
	switch (f->p->prog->insn[i].imm) {
	case HELPER_for_each_map_elem:
		return for_each(f, i);
	case HELPER_user_ringbuf_drain:
		return drain(f, i);
	case HELPER_timer_set_callback:
		return lower_timer(f, i);
	}
	loop(f, i);
	return 0;
}
