/* SPDX-License-Identifier: MIT
 *
 * Blocks that run rarely: those that are only reached when a map had no such key.  Programs
 * look a key up and add it when it is missing, which happens once a key.
 *
 * The map operations in them are not inlined: what they would need in registers, the entry
 * would save and restore at every hit.  Nor are, in any block, those of a program that has very many:
 * each is a loop over a chain with several exits, and LLVM's time grows with the square of them. */
#include <string.h>

#include "lower.h"

bool lower_is_null_test(const struct lower_prog *p, uint32_t i, const struct kinds *k,
			bool *taken_if_null)
{
	const struct bpfi *in = &p->prog->insn[i];
	uint8_t op = BPFI_OP(in->code);

	if (BPFI_CLASS(in->code) != BPFI_JMP || BPFI_SRC(in->code) == BPFI_X || in->imm ||
	    (op != BPFI_JEQ && op != BPFI_JNE) || k->reg[in->dst].is != KIND_PTR)
		return false;
	*taken_if_null = op == BPFI_JEQ;
	return k->reg[in->dst].off == KIND_PTR_OR_NULL;
}

static bool warm(struct lower_prog *p, uint32_t i)
{
	bool was = p->cold[i];

	p->cold[i] = 0;
	return was;
}

/* Control that enters leader i goes on to the next leaders. */
static bool spread(struct lower_prog *p, uint32_t i)
{
	struct kinds k = p->kinds[i];
	bool changed = false, null_taken = false;

	for (;;) {
		const struct bpfi *in = &p->prog->insn[i];
		uint8_t class = BPFI_CLASS(in->code);
		bool jmp = (class == BPFI_JMP || class == BPFI_JMP32) &&
			   BPFI_OP(in->code) != BPFI_OP(BPFI_JMP_CALL);
		bool test = jmp && lower_is_null_test(p, i, &k, &null_taken);

		if (in->code == BPFI_JMP_EXIT)
			return changed;
		if (jmp && !(test && null_taken))
			changed |= warm(p, (uint32_t)lower_target(in, i));
		if (in->code == BPFI_JMP_JA || in->code == BPFI_JMP_GOTOL)
			return changed;
		kinds_step(p, i, &k);
		i += 1 + (in->code == BPFI_LD_IMM64);
		if (p->leader[i])
			return changed | (test && !null_taken ? false : warm(p, i));
	}
}

void lower_cold(struct lower_prog *p)
{
	bool changed;

	memset(p->cold, 1, p->prog->n_insn + 1);
	for (size_t n = 0; n < p->prog->n_func; n++)
		p->cold[p->func[n].start] = 0;
	do {
		changed = false;
		for (uint32_t i = 0; i < p->prog->n_insn; i++)
			if (p->leader[i] && !p->cold[i] && p->kinds[i].reg[0].is != KIND_UNREACHED)
				changed |= spread(p, i);
	} while (changed);
}

LLVMValueRef lower_map_op(struct lower *l, const struct helper_proto *h, LLVMValueRef fn, int32_t map,
			  enum lower_op where)
{
	static const char *const prefix[] = { "here", "apart", "cold" };
	LLVMTypeRef type = LLVMGlobalGetValueType(fn);
	char *name = arena_printf(l->a, "%s.%s.%s", prefix[where], h->name, map < 0 ? "" : l->u->map[map].name);
	LLVMValueRef op = LLVMGetNamedFunction(l->mod, name), arg[10], v;
	LLVMBasicBlockRef from = LLVMGetInsertBlock(l->b);
	LLVMMetadataRef at = LLVMGetCurrentDebugLocation2(l->b);
	unsigned n = LLVMCountParams(fn);

	if (op)
		return op;
	op = LLVMAddFunction(l->mod, name, type);
	LLVMSetLinkage(op, LLVMInternalLinkage);
	if (where == LOWER_OP_HERE) {
		lower_add_attr(l, op, "alwaysinline");
	} else {
		LLVMSetFunctionCallConv(op, l->hook_cc);
		lower_add_attr(l, op, "noinline");
	}
	if (where == LOWER_OP_COLD)
		lower_add_attr(l, op, "cold");
	LLVMSetCurrentDebugLocation2(l->b, NULL);
	LLVMPositionBuilderAtEnd(l->b, LLVMAppendBasicBlockInContext(l->ctx, op, ""));
	for (unsigned k = 0; k < n; k++)
		arg[k] = LLVMGetParam(op, k);
	if (map >= 0) {		/* parameters 0 and 1 of every map helper */
		arg[0] = l->map[map].desc;
		arg[1] = lower_map_base(l, (size_t)map);
	}
	v = LLVMBuildCall2(l->b, type, fn, arg, n, "");
	if (LLVMGetReturnType(type) == l->void_)
		LLVMBuildRetVoid(l->b);
	else
		LLVMBuildRet(l->b, v);
	LLVMPositionBuilderAtEnd(l->b, from);
	LLVMSetCurrentDebugLocation2(l->b, at);
	return op;
}
