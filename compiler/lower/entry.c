/* SPDX-License-Identifier: MIT */
#include "entry.h"

#include <string.h>

#include "debuginfo.h"

/* Registers of the natural form in the order of a C call's parameters. */
static const unsigned natural[6] = { CTX_DI, CTX_SI, CTX_DX, CTX_CX, CTX_R8, CTX_R9 };

enum entry_form entry_form_of(uint32_t ctx_mask)
{
	if (__builtin_popcount(ctx_mask) > 6)
		return ENTRY_FRAME;
	return ctx_mask & ~CTX_MASK_NATURAL ? ENTRY_PACKED : ENTRY_NATURAL;
}

static LLVMValueRef frame_word(struct lower *l, LLVMValueRef frame, unsigned word)
{
	LLVMValueRef off = lower_imm(l->i64, (int64_t)word * 8);

	return LLVMBuildGEP2(l->b, l->i8, frame, &off, 1, "");
}

/* A parameter of the entry goes where the program expects it: field `field` of a frame
 * that the optimiser dissolves. */
static void store_field(struct lower *l, LLVMValueRef frame, unsigned field, LLVMValueRef v)
{
	LLVMBuildStore(l->b, v, frame_word(l, frame, field));
}

static LLVMValueRef local_frame(struct lower *l, LLVMValueRef fn, enum entry_form form,
				uint32_t ctx_mask)
{
	LLVMValueRef frame = LLVMBuildAlloca(l->b, LLVMArrayType2(l->i64, CTX_FRAME_WORDS), "frame");
	unsigned param = 0;

	LLVMSetAlignment(frame, 8);
	for (unsigned k = 0; k < 6 && form == ENTRY_NATURAL; k++)
		if (ctx_mask & 1u << natural[k])
			store_field(l, frame, natural[k], LLVMGetParam(fn, k));
	for (unsigned k = 0; k < CTX_FIELDS && form == ENTRY_PACKED; k++)
		if (ctx_mask & 1u << k)
			store_field(l, frame, k, LLVMGetParam(fn, param++));
	return frame;
}

static LLVMValueRef call_body(struct lower *l, LLVMValueRef body, LLVMValueRef ctx,
			      LLVMValueRef arg)
{
	LLVMValueRef args[2] = { ctx, arg };

	return LLVMBuildCall2(l->b, LLVMGlobalGetValueType(body), body, args, 2, "");
}

/* Does the function run, and if not, what does it return?  bpf_override_return() comes before
 * what the program itself returns. */
static void return_outcome(struct lower *l, enum hook_entry kind, LLVMValueRef frame, LLVMValueRef r0)
{
	LLVMValueRef zero = lower_imm(l->i64, 0), v[2], is_set;

	v[0] = LLVMBuildLoad2(l->b, l->i64, frame_word(l, frame, CTX_OUT_VALUE), "");
	v[1] = LLVMBuildLoad2(l->b, l->i64, frame_word(l, frame, CTX_OUT_SET), "");
	is_set = LLVMBuildICmp(l->b, LLVMIntNE, v[1], zero, "");
	if (kind == HOOK_ENTRY_REPLACE || kind == HOOK_ENTRY_FILTER)
		v[0] = LLVMBuildSelect(l->b, is_set, v[0], r0, "");
	if (kind == HOOK_ENTRY_REPLACE)
		v[1] = lower_imm(l->i64, 1);
	if (kind == HOOK_ENTRY_FILTER)
		v[1] = LLVMBuildOr(l->b, v[1], LLVMBuildZExt(l->b,
				   LLVMBuildICmp(l->b, LLVMIntNE, r0, zero, ""), l->i64, ""), "");
	LLVMBuildAggregateRet(l->b, v, 2);
}

LLVMValueRef entry_make(struct lower *l, const char *name, const struct unit_prog *prog,
			enum entry_form form, uint32_t ctx_mask, bool outcome, LLVMValueRef body)
{
	LLVMTypeRef pair[2] = { l->i64, l->i64 };
	LLVMTypeRef p[6] = { l->i64, l->i64, l->i64, l->i64, l->i64, l->i64 };
	unsigned n = form == ENTRY_FRAME ? 1 : 6;
	LLVMValueRef fn, frame, count, r0;

	if (form == ENTRY_PACKED)
		n = (unsigned)__builtin_popcount(ctx_mask);
	if (form == ENTRY_FRAME)
		p[0] = l->ptr;
	fn = LLVMAddFunction(l->mod, name, LLVMFunctionType(outcome ? LLVMStructTypeInContext(l->ctx, pair, 2, 0)
							       : l->void_, p, n, 0));
	LLVMSetLinkage(fn, LLVMInternalLinkage);
	LLVMSetFunctionCallConv(fn, l->hook_cc);
	LLVMPositionBuilderAtEnd(l->b, LLVMAppendBasicBlockInContext(l->ctx, fn, ""));
	debug_function(l, fn, name, prog, 0);
	frame = form == ENTRY_FRAME ? LLVMGetParam(fn, 0) : local_frame(l, fn, form, ctx_mask);
	count = LLVMBuildAlloca(l->b, l->i64, "tail_count");
	LLVMBuildStore(l->b, lower_imm(l->i64, 0), count);
	if (outcome)
		LLVMBuildStore(l->b, lower_imm(l->i64, 0), frame_word(l, frame, CTX_OUT_SET));
	r0 = call_body(l, body, frame, LLVMBuildPtrToInt(l->b, count, l->i64, ""));
	if (outcome)
		return_outcome(l, (enum hook_entry)hook_table[prog->kind].entry, frame, r0);
	else
		LLVMBuildRetVoid(l->b);
	return fn;
}

LLVMValueRef entry_c(struct lower *l, const char *name, const struct unit_prog *prog,
		     LLVMValueRef body, bool tail_calls)
{
	LLVMTypeRef p[2] = { l->ptr, l->i64 };
	LLVMValueRef fn;

	if (tail_calls) {
		LLVMSetValueName2(body, name, strlen(name));
		return body;
	}
	fn = LLVMAddFunction(l->mod, name, LLVMFunctionType(l->i64, p, 2, 0));
	LLVMSetLinkage(fn, LLVMInternalLinkage);
	LLVMPositionBuilderAtEnd(l->b, LLVMAppendBasicBlockInContext(l->ctx, fn, ""));
	debug_function(l, fn, prog->name, prog, 0);
	LLVMBuildRet(l->b, call_body(l, body, LLVMGetParam(fn, 0), LLVMGetParam(fn, 1)));
	return fn;
}
