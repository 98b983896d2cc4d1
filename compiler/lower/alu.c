/* SPDX-License-Identifier: MIT
 *
 * One function a row of isa.def: the value of dst after `dst op= src`, in the width of
 * the instruction.  32-bit results are zero-extended by the caller. */
#include "lower.h"

#define ALU_FN(name_)                                                                       \
	static LLVMValueRef lower_alu_##name_(struct lower_func *f, const struct bpfi *in,  \
					      LLVMValueRef a, LLVMValueRef b)
#define PLAIN(name_, build_)                                                                \
	ALU_FN(name_)                                                                       \
	{                                                                                   \
		(void)in;                                                                   \
		return build_(f->l->b, a, b, "");                                           \
	}

PLAIN(ADD, LLVMBuildAdd)
PLAIN(SUB, LLVMBuildSub)
PLAIN(MUL, LLVMBuildMul)
PLAIN(OR,  LLVMBuildOr)
PLAIN(AND, LLVMBuildAnd)
PLAIN(XOR, LLVMBuildXor)

static LLVMValueRef equals(struct lower_func *f, LLVMValueRef v, int64_t k)
{
	return LLVMBuildICmp(f->l->b, LLVMIntEQ, v, lower_imm(LLVMTypeOf(v), k), "");
}

/* LLVM leaves division by zero and INT_MIN / -1 undefined even when a later select drops
 * the result, so the divisor is what must be guarded. */
static LLVMValueRef divide(struct lower_func *f, const struct bpfi *in, LLVMValueRef a,
			   LLVMValueRef b, LLVMOpcode udiv, LLVMOpcode sdiv,
			   LLVMValueRef by_zero, LLVMValueRef by_minus_one)
{
	LLVMBuilderRef bl = f->l->b;
	LLVMValueRef one = lower_imm(LLVMTypeOf(b), 1);
	LLVMValueRef zero = equals(f, b, 0), minus, bad, q;

	if (in->off != 1) {
		q = LLVMBuildBinOp(bl, udiv, a, LLVMBuildSelect(bl, zero, one, b, ""), "");
		return LLVMBuildSelect(bl, zero, by_zero, q, "");
	}
	minus = equals(f, b, -1);
	bad = LLVMBuildOr(bl, zero, minus, "");
	q = LLVMBuildBinOp(bl, sdiv, a, LLVMBuildSelect(bl, bad, one, b, ""), "");
	q = LLVMBuildSelect(bl, minus, by_minus_one, q, "");
	return LLVMBuildSelect(bl, zero, by_zero, q, "");
}

/* x / 0 is 0; off 1 selects the signed form, where INT_MIN / -1 is INT_MIN. */
ALU_FN(DIV)
{
	return divide(f, in, a, b, LLVMUDiv, LLVMSDiv, lower_imm(LLVMTypeOf(a), 0),
		      LLVMBuildNeg(f->l->b, a, ""));
}

/* x % 0 is x. */
ALU_FN(MOD)
{
	return divide(f, in, a, b, LLVMURem, LLVMSRem, a, lower_imm(LLVMTypeOf(a), 0));
}

/* Only the low 5 or 6 bits of the count matter. */
static LLVMValueRef count(struct lower_func *f, LLVMValueRef b)
{
	LLVMTypeRef w = LLVMTypeOf(b);

	return LLVMBuildAnd(f->l->b, b, lower_imm(w, LLVMGetIntTypeWidth(w) - 1), "");
}

ALU_FN(LSH)
{
	(void)in;
	return LLVMBuildShl(f->l->b, a, count(f, b), "");
}

ALU_FN(RSH)
{
	(void)in;
	return LLVMBuildLShr(f->l->b, a, count(f, b), "");
}

ALU_FN(ARSH)
{
	(void)in;
	return LLVMBuildAShr(f->l->b, a, count(f, b), "");
}

ALU_FN(NEG)
{
	(void)in;
	(void)b;
	return LLVMBuildNeg(f->l->b, a, "");
}

/* off 8, 16, 32: sign-extending move of that many bits. */
ALU_FN(MOV)
{
	LLVMTypeRef narrow;

	(void)a;
	if (!in->off)
		return b;
	narrow = LLVMIntTypeInContext(f->l->ctx, (unsigned)in->off);
	return LLVMBuildSExt(f->l->b, LLVMBuildTrunc(f->l->b, b, narrow, ""), LLVMTypeOf(b), "");
}

/* ALU: to little (imm source) or big endian; ALU64: swap always.  imm is the width, the
 * result has zeros above it.  Hosts are little endian. */
ALU_FN(END)
{
	LLVMTypeRef w = LLVMIntTypeInContext(f->l->ctx, (unsigned)in->imm);
	LLVMValueRef v = reg_get_w(f, in->dst, w), swap;
	unsigned id;

	(void)a;
	(void)b;
	if (BPFI_CLASS(in->code) == BPFI_ALU && BPFI_SRC(in->code) == BPFI_K)
		return v;
	id = LLVMLookupIntrinsicID("llvm.bswap", 10);
	swap = LLVMGetIntrinsicDeclaration(f->l->mod, id, &w, 1);
	return LLVMBuildCall2(f->l->b, LLVMIntrinsicGetType(f->l->ctx, id, &w, 1), swap, &v, 1,
			      "");
}

typedef LLVMValueRef alu_fn(struct lower_func *f, const struct bpfi *in, LLVMValueRef a,
			    LLVMValueRef b);
static alu_fn *const table[16] = {
#define ALU(name_, code_, text_) [(code_) >> 4] = lower_alu_##name_,
#include "isa.def"
};

/* The twin after the instruction, when kinds.c says the result is an address. */
static LLVMValueRef twin_after(struct lower_func *f, const struct bpfi *in)
{
	LLVMBuilderRef b = f->l->b;
	LLVMValueRef base, off;

	if (BPFI_OP(in->code) == BPFI_MOV)
		return reg_ptr(f, in->src);
	if (BPFI_SRC(in->code) == BPFI_X && !kind_has_twin(f->now.reg[in->dst])) {
		base = reg_ptr(f, in->src);
		off = reg_get(f, in->dst);
	} else {
		base = reg_ptr(f, in->dst);
		off = lower_src(f, in, f->l->i64);
	}
	if (BPFI_OP(in->code) == BPFI_SUB)
		off = LLVMBuildNeg(b, off, "");
	return LLVMBuildGEP2(b, f->l->i8, base, &off, 1, "");
}

void lower_alu(struct lower_func *f, uint32_t i)
{
	const struct bpfi *in = &f->p->prog->insn[i];
	bool halves = f->p->facts && f->p->facts->insn[i].halves;
	LLVMTypeRef w = BPFI_CLASS(in->code) == BPFI_ALU64 && !halves ? f->l->i64 : f->l->i32;
	struct kinds after = f->now;

	if (bpfi_is_cast(in)) {
		lower_cast(f, in);
		return;
	}

	kinds_step(f->p, i, &after);
	if (kind_has_twin(after.reg[in->dst]))
		reg_set_ptr(f, in->dst, twin_after(f, in));
	else
		reg_set(f, in->dst, table[in->code >> 4](f, in, reg_get_w(f, in->dst, w),
							 lower_src(f, in, w)));
}
