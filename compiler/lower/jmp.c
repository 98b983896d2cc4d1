/* SPDX-License-Identifier: MIT
 *
 * One function a row of isa.def: is the jump taken? */
#include "lower.h"

#define COMPARE(name_, pred_)                                                               \
	static LLVMValueRef lower_jmp_##name_(struct lower *l, LLVMValueRef a, LLVMValueRef b)\
	{                                                                                   \
		return LLVMBuildICmp(l->b, LLVMInt##pred_, a, b, "");                       \
	}

COMPARE(JEQ, EQ)
COMPARE(JNE, NE)
COMPARE(JGT, UGT)
COMPARE(JGE, UGE)
COMPARE(JLT, ULT)
COMPARE(JLE, ULE)
COMPARE(JSGT, SGT)
COMPARE(JSGE, SGE)
COMPARE(JSLT, SLT)
COMPARE(JSLE, SLE)

static LLVMValueRef lower_jmp_JSET(struct lower *l, LLVMValueRef a, LLVMValueRef b)
{
	LLVMValueRef both = LLVMBuildAnd(l->b, a, b, "");

	return LLVMBuildICmp(l->b, LLVMIntNE, both, lower_imm(LLVMTypeOf(both), 0), "");
}

typedef LLVMValueRef jmp_fn(struct lower *l, LLVMValueRef a, LLVMValueRef b);
static jmp_fn *const table[16] = {
#define JMP(name_, code_, text_) [(code_) >> 4] = lower_jmp_##name_,
#include "isa.def"
};

LLVMValueRef lower_cond(struct lower_func *f, const struct bpfi *in)
{
	LLVMTypeRef w = BPFI_CLASS(in->code) == BPFI_JMP ? f->l->i64 : f->l->i32;

	return table[in->code >> 4](f->l, reg_get_w(f, in->dst, w), lower_src(f, in, w));
}
