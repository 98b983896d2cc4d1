/* SPDX-License-Identifier: MIT
 *
 * Which registers surely hold an address derived from the pointer in their twin.
 *
 * A forward dataflow over the lattice UNREACHED < PTR < INT.  It need not find every
 * address: KIND_INT is always right, since the access then goes through inttoptr.  It
 * must never call a sum PTR whose base is the other operand: so pointer + pointer and
 * pointer - register become INT. */
#include <string.h>

#include "lower.h"

static uint8_t alu_kind(const struct bpfi *in, const struct kinds *k)
{
	uint8_t dst = k->reg[in->dst];
	bool x = BPFI_SRC(in->code) == BPFI_X;
	uint8_t src = x ? k->reg[in->src] : KIND_INT;

	if (BPFI_CLASS(in->code) != BPFI_ALU64)
		return KIND_INT;
	switch (BPFI_OP(in->code)) {
	case BPFI_MOV:
		return in->off ? KIND_INT : src;
	case BPFI_ADD:
		return (dst == KIND_PTR) != (src == KIND_PTR) ? KIND_PTR : KIND_INT;
	case BPFI_SUB:
		return x ? KIND_INT : dst;
	default:
		return KIND_INT;
	}
}

static uint8_t result_kind(const struct bpfi *in)
{
	const struct helper_proto *h = helper_proto(in->imm);

	if (in->code != BPFI_JMP_CALL || in->src != BPFI_CALL_HELPER || !h)
		return KIND_INT;
	return h->ret == RET_INT || h->ret == RET_VOID ? KIND_INT : KIND_PTR;
}

void kinds_step(const struct lower_prog *p, uint32_t i, struct kinds *k)
{
	const struct bpfi *in = &p->prog->insn[i];

	switch (BPFI_CLASS(in->code)) {
	case BPFI_ALU:
	case BPFI_ALU64:
		k->reg[in->dst] = alu_kind(in, k);
		return;
	case BPFI_LD:	/* ld_imm64: the address of a map, a map's value or a function */
		k->reg[in->dst] = in->src == BPFI_LD_CONST ? KIND_INT : KIND_PTR;
		return;
	case BPFI_LDX:
		k->reg[in->dst] = KIND_INT;
		return;
	case BPFI_STX:
		if (BPFI_MODE(in->code) != BPFI_ATOMIC)
			return;
		if (in->imm == BPFI_ATOMIC_CMPXCHG)
			k->reg[0] = KIND_INT;
		else if (in->imm == BPFI_ATOMIC_LOAD)
			k->reg[in->dst] = KIND_INT;
		else if (in->imm & BPFI_FETCH)
			k->reg[in->src] = KIND_INT;
		return;
	case BPFI_JMP:
		if (BPFI_OP(in->code) == BPFI_OP(BPFI_JMP_CALL))
			k->reg[0] = result_kind(in);
		return;
	default:
		return;
	}
}

/* Returns whether `into` changed. */
static bool join(struct kinds *into, const struct kinds *from)
{
	bool changed = false;

	for (int r = 0; r < N_REGS; r++) {
		if (from->reg[r] <= into->reg[r])
			continue;
		into->reg[r] = from->reg[r];
		changed = true;
	}
	return changed;
}

/* What a call passes on: r1 to r5; the callee's other registers start as numbers. */
static bool join_call(struct lower_func *callee, const struct kinds *at)
{
	struct kinds in;

	memset(in.reg, KIND_INT, sizeof(in.reg));
	memcpy(&in.reg[1], &at->reg[1], 5);
	in.reg[BPFI_R10] = KIND_PTR;
	return join(&callee->in, &in);
}

/* Walks the block at leader i.  Returns whether anything changed anywhere. */
static bool walk(struct lower_prog *p, uint32_t i)
{
	struct kinds k = p->kinds[i];
	bool changed = false;

	for (;; i++) {
		const struct bpfi *in = &p->prog->insn[i];
		uint8_t class = BPFI_CLASS(in->code);
		bool jmp = class == BPFI_JMP || class == BPFI_JMP32;
		bool call = jmp && BPFI_OP(in->code) == BPFI_OP(BPFI_JMP_CALL);

		if (call && in->code == BPFI_JMP_CALL && in->src == BPFI_CALL_LOCAL)
			changed |= join_call(lower_func_at(p, (int64_t)i + 1 + in->imm), &k);
		kinds_step(p, i, &k);
		if (in->code == BPFI_JMP_EXIT)
			return changed;
		if (jmp && !call) {
			changed |= join(&p->kinds[lower_target(in, i)], &k);
			if (in->code == BPFI_JMP_JA || in->code == BPFI_JMP_GOTOL)
				return changed;
		}
		if (in->code == BPFI_LD_IMM64)
			i++;
		if (p->leader[i + 1])
			return changed | join(&p->kinds[i + 1], &k);
	}
}

void lower_kinds(struct lower_prog *p)
{
	bool changed;

	do {
		changed = false;
		for (size_t n = 0; n < p->prog->n_func; n++) {
			struct lower_func *f = &p->func[n];

			changed |= join(&p->kinds[f->start], &f->in);
			for (uint32_t i = f->start; i < f->end; i++)
				if (p->leader[i] && p->kinds[i].reg[0] != KIND_UNREACHED)
					changed |= walk(p, i);
		}
	} while (changed);
}
