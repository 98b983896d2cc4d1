/* SPDX-License-Identifier: MIT
 *
 * Which registers surely hold an address derived from the pointer in their twin.
 *
 * A forward dataflow over the lattice UNREACHED < STACK+off < PTR < INT, CONST < INT.  It
 * need not find every address: KIND_INT is always right, since the access then goes through
 * inttoptr.  It must never call a sum PTR whose base is the other operand: so pointer +
 * pointer and pointer - register become INT. */
#include <string.h>

#include "lower.h"
#include "maps.h"

static const struct kind a_ptr = { KIND_PTR, 0 }, an_int = { KIND_INT, 0 };

static struct kind constant(int64_t v)
{
	return (struct kind){ KIND_CONST, v };
}

/* base + delta, where base is an address. */
static struct kind moved(struct kind base, struct kind delta, int sign)
{
	struct kind k = base;

	if (base.is != KIND_STACK)
		return a_ptr;
	if (delta.is != KIND_CONST || delta.off < INT32_MIN || delta.off > INT32_MAX)
		return a_ptr;
	k.off += sign * delta.off;
	return k.off < -BPFI_STACK_BYTES || k.off > 0 ? a_ptr : k;
}

static struct kind alu_kind(const struct bpfi *in, const struct kinds *k)
{
	bool x = BPFI_SRC(in->code) == BPFI_X, wide = BPFI_CLASS(in->code) == BPFI_ALU64;
	struct kind dst = k->reg[in->dst], src = x ? k->reg[in->src] : constant(in->imm);

	if (BPFI_OP(in->code) == BPFI_MOV && !x)
		return constant(wide ? in->imm : (int64_t)(uint32_t)in->imm);
	if (!wide)
		return an_int;
	switch (BPFI_OP(in->code)) {
	case BPFI_MOV:
		return in->off ? an_int : src;
	case BPFI_ADD:
		if (kind_has_twin(dst) && !kind_has_twin(src))
			return moved(dst, src, 1);
		return kind_has_twin(src) && !kind_has_twin(dst) ? moved(src, dst, 1) : an_int;
	case BPFI_SUB:
		return kind_has_twin(dst) && !x ? moved(dst, src, -1) : an_int;
	default:
		return an_int;
	}
}

static struct kind result_kind(const struct bpfi *in)
{
	const struct helper_proto *h = helper_proto(in->imm);

	if (in->code != BPFI_JMP_CALL || in->src != BPFI_CALL_HELPER || !h)
		return an_int;
	if (!ret_is_pointer(h->ret))
		return an_int;
	return (struct kind){ KIND_PTR, KIND_PTR_OR_NULL };
}

void kinds_step(const struct lower_prog *p, uint32_t i, struct kinds *k)
{
	const struct bpfi *in = &p->prog->insn[i];

	switch (BPFI_CLASS(in->code)) {
	case BPFI_ALU:
	case BPFI_ALU64:
		k->reg[in->dst] = p->facts && p->facts->insn[i].halves ? an_int : alu_kind(in, k);
		return;
	case BPFI_LD:	/* ld_imm64: the address of a map or a map's value; in an arena it is a number */
		k->reg[in->dst] = in->src == BPFI_LD_MAP ||
				  (in->src == BPFI_LD_MAP_VALUE &&
				   p->l->u->map[in->imm].type != MAP_TYPE_arena) ? a_ptr : an_int;
		return;
	case BPFI_LDX:
		k->reg[in->dst] = lower_is_packet_ptr(p, i) ? a_ptr : an_int;
		return;
	case BPFI_STX:
		if (BPFI_MODE(in->code) != BPFI_ATOMIC)
			return;
		if (in->imm == BPFI_ATOMIC_CMPXCHG)
			k->reg[0] = an_int;
		else if (in->imm == BPFI_ATOMIC_LOAD)
			k->reg[in->dst] = an_int;
		else if (in->imm & BPFI_FETCH)
			k->reg[in->src] = an_int;
		return;
	case BPFI_JMP:
		if (BPFI_OP(in->code) == BPFI_OP(BPFI_JMP_CALL))
			k->reg[0] = result_kind(in);
		return;
	default:
		return;
	}
}

static struct kind join_kind(struct kind a, struct kind b)
{
	if (a.is == KIND_UNREACHED || (a.is == b.is && a.off == b.off))
		return b;
	if (b.is == KIND_UNREACHED)
		return a;
	return kind_has_twin(a) && kind_has_twin(b) ? a_ptr : an_int;
}

/* Returns whether `into` changed. */
static bool join(struct kinds *into, const struct kinds *from)
{
	bool changed = false;

	for (int r = 0; r < N_REGS; r++) {
		struct kind k = join_kind(into->reg[r], from->reg[r]);

		changed |= k.is != into->reg[r].is || k.off != into->reg[r].off;
		into->reg[r] = k;
	}
	return changed;
}

void kinds_at_start(struct kinds *k)
{
	for (int r = 0; r < N_REGS; r++)
		k->reg[r] = an_int;
	k->reg[BPFI_R10] = (struct kind){ KIND_STACK, 0 };
}

/* What a call passes on: r1 to r5; the callee's other registers start as numbers, and an
 * address in the caller's stack is just an address. */
static bool join_call(struct lower_func *callee, const struct kinds *at)
{
	struct kinds in;

	kinds_at_start(&in);
	for (int r = 1; r <= 5; r++)
		in.reg[r] = at->reg[r].is == KIND_STACK ? a_ptr : at->reg[r];
	return join(&callee->in, &in);
}

/* What bpf_loop and its kin pass on to the functions they may call. */
static bool join_callbacks(struct lower_prog *p, uint32_t i, const struct kinds *at)
{
	int32_t known = p->facts ? p->facts->insn[i].func : -1;
	struct kinds in;
	bool changed = false;

	for (int r = 0; r < N_REGS; r++)
		in.reg[r] = an_int;
	if (p->prog->insn[i].imm == HELPER_loop) {
		in.reg[2] = at->reg[3];
	} else if (p->prog->insn[i].imm == HELPER_user_ringbuf_drain) {
		in.reg[1] = a_ptr;
		in.reg[2] = at->reg[3];
	} else {
		in.reg[1] = in.reg[2] = in.reg[3] = a_ptr;
		in.reg[4] = at->reg[3];
	}
	for (size_t n = 1; n < p->prog->n_func; n++)
		if (known < 0 ? p->func[n].callback : p->func[n].start == (uint32_t)known)
			changed |= join_call(&p->func[n], &in);
	return changed;
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
		if (call && lower_calls_back(in))
			changed |= join_callbacks(p, i, &k);
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
				if (p->leader[i] && p->kinds[i].reg[0].is != KIND_UNREACHED)
					changed |= walk(p, i);
		}
	} while (changed);
}
