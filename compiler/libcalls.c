/* SPDX-License-Identifier: MIT
 *
 * A hook object has no libc to call.  The optimiser makes memcpy, memmove and memset
 * out of loops and of neighbouring stores; instruction selection turns the big ones into
 * calls.  After optimising, each is expanded here: constant and short in place, else a
 * call of a loop that is part of the object. */
#include <string.h>

#include "lower/entry.h"
#include "module.h"

enum { INLINE_BYTES = 128, INLINE_MOVE_BYTES = 64, STRING_BYTES = 512, WORD_BYTES = 8,
       BLOCK_WORDS = 4, BLOCK_BYTES = BLOCK_WORDS * WORD_BYTES };

/* One loop: for (i = from; i != to; i += step) body(i).  Positions the builder behind it;
 * from and to must be a whole number of steps apart. */
struct loop {
	LLVMBasicBlockRef head, body, done;
	LLVMValueRef i;
};

static struct loop loop_open(struct lower *l, LLVMValueRef fn, LLVMValueRef from, LLVMValueRef to)
{
	struct loop p = {
		LLVMAppendBasicBlockInContext(l->ctx, fn, ""),
		LLVMAppendBasicBlockInContext(l->ctx, fn, ""),
		LLVMAppendBasicBlockInContext(l->ctx, fn, ""), NULL,
	};
	LLVMBasicBlockRef before = LLVMGetInsertBlock(l->b);
	LLVMValueRef end;

	LLVMBuildBr(l->b, p.head);
	LLVMPositionBuilderAtEnd(l->b, p.head);
	p.i = LLVMBuildPhi(l->b, l->i64, "");
	LLVMAddIncoming(p.i, &from, &before, 1);
	end = LLVMBuildICmp(l->b, LLVMIntEQ, p.i, to, "");
	LLVMBuildCondBr(l->b, end, p.done, p.body);
	LLVMPositionBuilderAtEnd(l->b, p.body);
	return p;
}

static void loop_close(struct lower *l, struct loop *p, int64_t step)
{
	LLVMValueRef next = LLVMBuildAdd(l->b, p->i, lower_imm(l->i64, step), "");

	LLVMAddIncoming(p->i, &next, &p->body, 1);
	LLVMBuildBr(l->b, p->head);
	LLVMPositionBuilderAtEnd(l->b, p->done);
}

static LLVMValueRef at(struct lower *l, LLVMValueRef p, LLVMValueRef i)
{
	return LLVMBuildGEP2(l->b, l->i8, p, &i, 1, "");
}

static LLVMValueRef plus(struct lower *l, LLVMValueRef i, unsigned words)
{
	return words ? LLVMBuildAdd(l->b, i, lower_imm(l->i64, words * WORD_BYTES), "") : i;
}

/* n neighbours, all read before the first is written: the ranges may overlap. */
static void move_some(struct lower *l, LLVMTypeRef w, unsigned n, LLVMValueRef to,
		      LLVMValueRef from, LLVMValueRef i)
{
	LLVMValueRef v[BLOCK_WORDS];

	for (unsigned k = 0; k < n; k++) {
		v[k] = LLVMBuildLoad2(l->b, w, at(l, from, plus(l, i, k)), "");
		LLVMSetAlignment(v[k], 1);
	}
	for (unsigned k = 0; k < n; k++)
		LLVMSetAlignment(LLVMBuildStore(l->b, v[k], at(l, to, plus(l, i, k))), 1);
}

/* Where the parts of [0, n) end that are done by blocks, by words and by bytes. */
struct parts {
	LLVMValueRef blocks, words, n;
};

static void copy_up(struct lower *l, LLVMValueRef fn, LLVMValueRef to, LLVMValueRef from,
		    const struct parts *e)
{
	struct loop p = loop_open(l, fn, lower_imm(l->i64, 0), e->blocks);

	move_some(l, l->i64, BLOCK_WORDS, to, from, p.i);
	loop_close(l, &p, BLOCK_BYTES);
	p = loop_open(l, fn, e->blocks, e->words);
	move_some(l, l->i64, 1, to, from, p.i);
	loop_close(l, &p, WORD_BYTES);
	p = loop_open(l, fn, e->words, e->n);
	move_some(l, l->i8, 1, to, from, p.i);
	loop_close(l, &p, 1);
}

static void copy_down(struct lower *l, LLVMValueRef fn, LLVMValueRef to, LLVMValueRef from,
		      const struct parts *e)
{
	struct loop p = loop_open(l, fn, e->n, e->words);

	move_some(l, l->i8, 1, to, from, LLVMBuildSub(l->b, p.i, lower_imm(l->i64, 1), ""));
	loop_close(l, &p, -1);
	p = loop_open(l, fn, e->words, e->blocks);
	move_some(l, l->i64, 1, to, from,
		  LLVMBuildSub(l->b, p.i, lower_imm(l->i64, WORD_BYTES), ""));
	loop_close(l, &p, -WORD_BYTES);
	p = loop_open(l, fn, e->blocks, lower_imm(l->i64, 0));
	move_some(l, l->i64, BLOCK_WORDS, to, from,
		  LLVMBuildSub(l->b, p.i, lower_imm(l->i64, BLOCK_BYTES), ""));
	loop_close(l, &p, -BLOCK_BYTES);
}

static void set_some(struct lower *l, LLVMValueRef v, unsigned n, LLVMValueRef to, LLVMValueRef i)
{
	for (unsigned k = 0; k < n; k++)
		LLVMSetAlignment(LLVMBuildStore(l->b, v, at(l, to, plus(l, i, k))), 1);
}

/* From STRING_BYTES on the CPU's own loop is faster: it fills whole lines without vector registers.
 * The direction flag is clear in every hook (trampolines see to it). */
static void set_by_string(struct lower *l, LLVMValueRef fn, LLVMValueRef to, LLVMValueRef byte,
			  LLVMValueRef n)
{
	static const char insn[] = "rep stosb",
		constraints[] = "={di},={cx},{ax},0,1,~{memory},~{dirflag},~{fpsr},~{flags}";
	LLVMBasicBlockRef is_long = LLVMAppendBasicBlockInContext(l->ctx, fn, "");
	LLVMBasicBlockRef is_short = LLVMAppendBasicBlockInContext(l->ctx, fn, "");
	LLVMTypeRef out[] = { l->ptr, l->i64 }, in[] = { l->i8, l->ptr, l->i64 };
	LLVMTypeRef t = LLVMFunctionType(LLVMStructTypeInContext(l->ctx, out, 2, 0), in, 3, 0);
	LLVMValueRef arg[] = { byte, to, n };
	LLVMValueRef code = LLVMGetInlineAsm(t, insn, sizeof(insn) - 1, constraints, sizeof(constraints) - 1,
					     1, 0, LLVMInlineAsmDialectATT, 0);

	LLVMBuildCondBr(l->b, LLVMBuildICmp(l->b, LLVMIntUGE, n, lower_imm(l->i64, STRING_BYTES), ""),
			is_long, is_short);
	LLVMPositionBuilderAtEnd(l->b, is_long);
	LLVMBuildCall2(l->b, t, code, arg, 3, "");
	LLVMBuildRetVoid(l->b);
	LLVMPositionBuilderAtEnd(l->b, is_short);
}

static void set_up(struct lower *l, LLVMValueRef fn, LLVMValueRef to, LLVMValueRef byte,
		   const struct parts *e)
{
	LLVMValueRef v = LLVMBuildMul(l->b, LLVMBuildZExt(l->b, byte, l->i64, ""),
				      lower_imm(l->i64, 0x0101010101010101), "");
	struct loop p = loop_open(l, fn, lower_imm(l->i64, 0), e->blocks);

	set_some(l, v, BLOCK_WORDS, to, p.i);
	loop_close(l, &p, BLOCK_BYTES);
	p = loop_open(l, fn, e->blocks, e->words);
	set_some(l, v, 1, to, p.i);
	loop_close(l, &p, WORD_BYTES);
	p = loop_open(l, fn, e->words, e->n);
	set_some(l, byte, 1, to, p.i);
	loop_close(l, &p, 1);
}

static void move_either(struct lower *l, LLVMValueRef fn, LLVMValueRef to, LLVMValueRef from,
			const struct parts *e)
{
	LLVMBasicBlockRef up = LLVMAppendBasicBlockInContext(l->ctx, fn, "");
	LLVMBasicBlockRef down = LLVMAppendBasicBlockInContext(l->ctx, fn, "");
	LLVMValueRef gap = LLVMBuildSub(l->b, LLVMBuildPtrToInt(l->b, to, l->i64, ""),
					LLVMBuildPtrToInt(l->b, from, l->i64, ""), "");

	LLVMBuildCondBr(l->b, LLVMBuildICmp(l->b, LLVMIntUGE, gap, e->n, ""), up, down);
	LLVMPositionBuilderAtEnd(l->b, down);
	copy_down(l, fn, to, from, e);
	LLVMBuildRetVoid(l->b);
	LLVMPositionBuilderAtEnd(l->b, up);
	copy_up(l, fn, to, from, e);
}

enum mem_op { MEM_OP_COPY, MEM_OP_MOVE, MEM_OP_SET, MEM_OP_COUNT };

/* void mem.<op>(ptr to, ptr from | i8 byte, i64 n) */
static LLVMValueRef loop_function(struct module *m, enum mem_op op)
{
	static const char *const names[] = { "mem.copy", "mem.move", "mem.set" };
	struct lower *l = &m->l;
	LLVMTypeRef t[3] = { l->ptr, op == MEM_OP_SET ? l->i8 : l->ptr, l->i64 };
	LLVMValueRef fn = LLVMGetNamedFunction(l->mod, names[op]), p[3];
	struct parts e;

	if (fn)
		return fn;
	fn = LLVMAddFunction(l->mod, names[op], LLVMFunctionType(l->void_, t, 3, 0));
	LLVMSetLinkage(fn, LLVMInternalLinkage);
	LLVMSetFunctionCallConv(fn, l->hook_cc);
	module_set_attributes(m, fn);
	LLVMGetParams(fn, p);
	LLVMPositionBuilderAtEnd(l->b, LLVMAppendBasicBlockInContext(l->ctx, fn, ""));
	e = (struct parts){
		LLVMBuildAnd(l->b, p[2], lower_imm(l->i64, -BLOCK_BYTES), ""),
		LLVMBuildAnd(l->b, p[2], lower_imm(l->i64, -WORD_BYTES), ""), p[2],
	};
	if (op == MEM_OP_SET && m->target.target->string_insns)
		set_by_string(l, fn, p[0], p[1], p[2]);
	if (op == MEM_OP_SET)
		set_up(l, fn, p[0], p[1], &e);
	else if (op == MEM_OP_COPY)
		copy_up(l, fn, p[0], p[1], &e);
	else
		move_either(l, fn, p[0], p[1], &e);
	LLVMBuildRetVoid(l->b);
	return fn;
}

/* The same call with a form that is never made a library call. */
static void call_inline(struct lower *l, LLVMValueRef call, enum mem_op op)
{
	const char *name = op == MEM_OP_SET ? "llvm.memset.inline" : "llvm.memcpy.inline";
	unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
	LLVMTypeRef t[3] = { l->ptr, op == MEM_OP_SET ? l->i64 : l->ptr, l->i64 };
	size_t n_types = op == MEM_OP_SET ? 2 : 3;
	LLVMValueRef fn = LLVMGetIntrinsicDeclaration(l->mod, id, t, n_types), arg[4];

	for (unsigned k = 0; k < 4; k++)
		arg[k] = LLVMGetOperand(call, k);
	arg[2] = lower_imm(l->i64, (int64_t)LLVMConstIntGetZExtValue(arg[2]));
	LLVMBuildCall2(l->b, LLVMIntrinsicGetType(l->ctx, id, t, n_types), fn, arg, 4, "");
}

static void expand(struct module *m, LLVMValueRef call, enum mem_op op)
{
	struct lower *l = &m->l;
	LLVMValueRef n = LLVMGetOperand(call, 2), fn, arg[3];
	uint64_t bytes = LLVMIsAConstantInt(n) ? LLVMConstIntGetZExtValue(n) : UINT64_MAX;
	LLVMBuilderRef outer = l->b;

	if (op == MEM_OP_MOVE && bytes <= INLINE_MOVE_BYTES)
		return;
	if (op != MEM_OP_MOVE && bytes <= INLINE_BYTES) {
		LLVMPositionBuilderBefore(l->b, call);
		call_inline(l, call, op);
	} else {
		l->b = LLVMCreateBuilderInContext(l->ctx);
		fn = loop_function(m, op);
		LLVMDisposeBuilder(l->b);
		l->b = outer;
		LLVMPositionBuilderBefore(l->b, call);
		arg[0] = LLVMGetOperand(call, 0);
		arg[1] = LLVMGetOperand(call, 1);
		arg[2] = LLVMBuildZExt(l->b, n, l->i64, "");
		call = LLVMBuildCall2(l->b, LLVMGlobalGetValueType(fn), fn, arg, 3, "");
		LLVMSetInstructionCallConv(call, LLVMGetFunctionCallConv(fn));
	}
}

/* Which of ours an instruction is, MEM_OP_COUNT for none. */
static enum mem_op op_of(LLVMValueRef insn)
{
	static const char *const prefix[] = { "llvm.memcpy.p", "llvm.memmove.p", "llvm.memset.p" };
	LLVMValueRef callee;
	const char *name;
	size_t n;

	if (!LLVMIsACallInst(insn))
		return MEM_OP_COUNT;
	callee = LLVMGetCalledValue(insn);
	if (!LLVMIsAFunction(callee))
		return MEM_OP_COUNT;
	name = LLVMGetValueName2(callee, &n);
	for (unsigned op = 0; op < MEM_OP_COUNT; op++)
		if (!strncmp(name, prefix[op], strlen(prefix[op])))
			return (enum mem_op)op;
	return MEM_OP_COUNT;
}

static void expand_function(struct module *m, LLVMValueRef f)
{
	for (LLVMBasicBlockRef bb = LLVMGetFirstBasicBlock(f); bb; bb = LLVMGetNextBasicBlock(bb))
		for (LLVMValueRef i = LLVMGetFirstInstruction(bb), next; i; i = next) {
			enum mem_op op = op_of(i);
			LLVMValueRef before = LLVMGetPreviousInstruction(i);

			next = LLVMGetNextInstruction(i);
			if (op == MEM_OP_COUNT)
				continue;
			expand(m, i, op);
			if (LLVMGetPreviousInstruction(i) != before)	/* it was replaced */
				LLVMInstructionEraseFromParent(i);
		}
}

void libcalls_expand(struct module *m)
{
	for (LLVMValueRef f = LLVMGetFirstFunction(m->l.mod); f; f = LLVMGetNextFunction(f)) {
		expand_function(m, f);
		/* Nor does code generation make new ones. */
		LLVMAddTargetDependentFunctionAttr(f, "no-builtins", "");
	}
}
