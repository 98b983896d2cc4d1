/* SPDX-License-Identifier: MIT
 *
 * Which bytes of a function's stack might be read before they are written?
 *
 * A forward dataflow of definitely written bytes.  Reads at unknown places, and addresses
 * given away, count as reads of everything that is not written there.  The answer is where
 * the stack must be zeroed on entry: usually nowhere. */
#include <string.h>

#include "lower.h"

enum { DYNPTR_BYTES = 16 };	/* struct bpf_dynptr */

struct walk {
	const struct lower_prog *p;
	const struct lower_func *f;
	struct stack_bits *in;		/* written, at each leader; valid where seen */
	uint8_t           *seen;
	struct stack_bits  zero;	/* the answer */
	int  low;			/* lowest byte used, 0..512 */
	bool escapes;			/* an address in the stack was stored or lost its offset */
};

static struct stack_bits range_of(int64_t from, int64_t to)
{
	struct stack_bits b = { { 0 } };

	for (int64_t k = from < 0 ? 0 : from; k < to && k < BPFI_STACK_BYTES; k++)
		b.word[k / 64] |= 1ull << k % 64;
	return b;
}

/* [from, to) is read when `written` is. */
static void reads(struct walk *w, const struct stack_bits *written, int64_t from, int64_t to)
{
	struct stack_bits b = range_of(from, to);

	if (from < w->low)
		w->low = from < 0 ? 0 : (int)from;
	for (size_t i = 0; i < BPFI_STACK_BYTES / 64; i++)
		w->zero.word[i] |= b.word[i] & ~written->word[i];
}

static void writes(struct walk *w, struct stack_bits *written, int64_t from, int64_t to)
{
	struct stack_bits b = range_of(from, to);

	if (from < w->low)
		w->low = from < 0 ? 0 : (int)from;
	for (size_t i = 0; i < BPFI_STACK_BYTES / 64; i++)
		written->word[i] |= b.word[i];
}

static int size_of(uint8_t code)
{
	static const int bytes[4] = { 4, 2, 1, 8 };

	return bytes[BPFI_SIZE(code) >> 3];
}

/* An access of this function's stack through an address whose offset was lost? */
static bool may_be_stack(const struct walk *w, uint32_t i)
{
	const struct vfy_result *facts = w->p->facts;

	return w->escapes && (!facts || facts->insn[i].mem == MEM_UNKNOWN ||
			      facts->insn[i].mem == MEM_STACK || facts->insn[i].mem == MEM_ANYWHERE);
}

static void memory(struct walk *w, const struct kinds *k, uint32_t i, struct stack_bits *written)
{
	const struct bpfi *in = &w->p->prog->insn[i];
	bool load = BPFI_CLASS(in->code) == BPFI_LDX, atomic = BPFI_MODE(in->code) == BPFI_ATOMIC;
	bool acquire = atomic && in->imm == BPFI_ATOMIC_LOAD;
	struct kind base = k->reg[load || acquire ? in->src : in->dst];
	int64_t from = base.off + in->off + BPFI_STACK_BYTES, to = from + size_of(in->code);

	if (BPFI_CLASS(in->code) == BPFI_STX && k->reg[in->src].is == KIND_STACK)
		w->escapes = true;
	if (base.is != KIND_STACK) {
		if ((load || atomic) && may_be_stack(w, i))
			reads(w, written, 0, BPFI_STACK_BYTES);
		return;
	}
	if (load || (atomic && in->imm != BPFI_ATOMIC_STORE))
		reads(w, written, from, to);
	else
		writes(w, written, from, to);
}

/* Helpers that fill their whole buffer, whatever happens. */
static bool fills(const struct bpfi *in)
{
	if (in->src != BPFI_CALL_HELPER)
		return false;
	switch (in->imm) {
	case HELPER_probe_read:
	case HELPER_probe_read_user:
	case HELPER_probe_read_kernel:
	case HELPER_get_current_comm:
		return true;
	default:
		return false;
	}
}

static int64_t map_bytes(const struct walk *w, uint32_t i, bool key)
{
	const struct vfy_result *facts = w->p->facts;
	int32_t map = facts ? facts->insn[i].map : -1;
	const struct unit_map *m;

	if (facts && map < 0)
		map = facts->insn[i].inner;
	if (map < 0)
		return BPFI_STACK_BYTES;
	m = &w->p->l->u->map[map];
	return key ? m->key_size : m->value_size;
}

/* What the call at i calls, NULL: a function of the program, or nothing that is known. */
static const struct helper_proto *callee(const struct walk *w, uint32_t i)
{
	const struct helper_proto *h = unit_callee(w->p->l->u, &w->p->prog->insn[i]);

	return h && !h->refused ? h : NULL;
}

static bool makes_dynptr(uint8_t kind)
{
	return kind == ARG_DYNPTR_NEW || kind == ARG_DYNPTR_NEW_CLONE || kind == ARG_DYNPTR_NEW_RECORD;
}

/* Argument `arg` of a helper, at stack byte `from`. */
static void helper_arg(struct walk *w, const struct kinds *k, uint32_t i, unsigned arg,
		       struct stack_bits *written, struct stack_bits *after)
{
	const struct bpfi *in = &w->p->prog->insn[i];
	const struct helper_proto *h = callee(w, i);
	int64_t from = k->reg[arg + 1].off + BPFI_STACK_BYTES, n = BPFI_STACK_BYTES;

	if (iter_bytes(h->arg[arg]))
		n = iter_bytes(h->arg[arg]);
	else if (h->arg[arg] == ARG_DYNPTR || h->arg[arg] == ARG_DYNPTR_RECORD || makes_dynptr(h->arg[arg]))
		n = DYNPTR_BYTES;
	else if (h->arg[arg] == ARG_MAP_KEY || h->arg[arg] == ARG_MAP_VALUE)
		n = map_bytes(w, i, h->arg[arg] == ARG_MAP_KEY);
	else if (arg < 4 && k->reg[arg + 2].is == KIND_CONST && k->reg[arg + 2].off >= 0)
		n = k->reg[arg + 2].off;
	if (n > BPFI_STACK_BYTES)
		n = BPFI_STACK_BYTES;
	if ((iter_bytes(h->arg[arg]) && h->arg[1] != ARG_NONE) || makes_dynptr(h->arg[arg]))
		writes(w, after, from, from + n);
	else if (h->arg[arg] == ARG_MEM_UNINIT && fills(in) && k->reg[arg + 2].is == KIND_CONST)
		writes(w, after, from, from + n);
	else if (h->arg[arg] == ARG_ANY || h->arg[arg] == ARG_UNCHECKED ||
		 h->arg[arg] == ARG_FUNC_CTX)
		reads(w, written, 0, BPFI_STACK_BYTES);
	else
		reads(w, written, from, from + n);
}

static void call(struct walk *w, const struct kinds *k, uint32_t i, struct stack_bits *written)
{
	const struct helper_proto *h = callee(w, i);
	bool helper = h;
	struct stack_bits after = *written;

	for (unsigned r = 1; r <= 5; r++) {
		if (helper && h->arg[r - 1] == ARG_NONE)
			break;
		if (k->reg[r].is == KIND_STACK && helper)
			helper_arg(w, k, i, r - 1, written, &after);
		else if (k->reg[r].is == KIND_STACK || (!helper && w->escapes))
			reads(w, written, 0, BPFI_STACK_BYTES);
		else if (kind_has_twin(k->reg[r]) || k->reg[r].is == KIND_INT)
			if (w->escapes)
				reads(w, written, 0, BPFI_STACK_BYTES);
	}
	*written = after;
}

/* Does the instruction turn a known stack address into one whose offset nobody knows? */
static bool loses(const struct kinds *before, const struct kinds *after, const struct bpfi *in)
{
	uint8_t class = BPFI_CLASS(in->code);
	bool x = BPFI_SRC(in->code) == BPFI_X;

	if (class != BPFI_ALU && class != BPFI_ALU64)
		return false;
	return after->reg[in->dst].is != KIND_STACK && BPFI_OP(in->code) != BPFI_MOV &&
	       (before->reg[in->dst].is == KIND_STACK || (x && before->reg[in->src].is == KIND_STACK));
}

/* What block `to` learns when control reaches it: whether a register's stack offset is lost
 * in the join, and which bytes are written. */
static bool arrive(struct walk *w, const struct kinds *k, const struct stack_bits *written,
		   uint32_t to)
{
	bool changed = !w->seen[to];

	for (int r = 0; r < N_REGS; r++)
		if (k->reg[r].is == KIND_STACK && w->p->kinds[to].reg[r].is == KIND_PTR &&
		    !w->escapes)
			w->escapes = changed = true;
	for (size_t i = 0; i < BPFI_STACK_BYTES / 64; i++) {
		uint64_t both = w->seen[to] ? w->in[to].word[i] & written->word[i] : written->word[i];

		changed |= both != w->in[to].word[i];
		w->in[to].word[i] = both;
	}
	w->seen[to] = 1;
	return changed;
}

/* Returns whether something changed for the blocks behind. */
static bool block(struct walk *w, uint32_t i)
{
	struct stack_bits written = w->in[i];
	struct kinds k = w->p->kinds[i];
	bool changed = false, escaped = w->escapes;

	for (;;) {
		const struct bpfi *in = &w->p->prog->insn[i];
		uint8_t class = BPFI_CLASS(in->code);
		bool jmp = class == BPFI_JMP || class == BPFI_JMP32;
		struct kinds before = k;

		if (class == BPFI_LDX || class == BPFI_ST || class == BPFI_STX)
			memory(w, &k, i, &written);
		else if (in->code == BPFI_JMP_CALL || in->code == BPFI_JMP_CALLX)
			call(w, &k, i, &written);
		kinds_step(w->p, i, &k);
		w->escapes |= loses(&before, &k, in);
		if (in->code == BPFI_JMP_EXIT)
			break;
		if (jmp && in->code != BPFI_JMP_CALL && in->code != BPFI_JMP_CALLX)
			changed |= arrive(w, &k, &written, (uint32_t)lower_target(in, i));
		if (in->code == BPFI_JMP_JA || in->code == BPFI_JMP_GOTOL)
			break;
		i += 1 + (in->code == BPFI_LD_IMM64);
		if (w->p->leader[i]) {
			changed |= arrive(w, &k, &written, i);
			break;
		}
	}
	return changed || escaped != w->escapes;
}

int lower_stack(const struct lower_prog *p, const struct lower_func *f, struct stack_bits *out)
{
	struct arena *a = arena_new();
	struct walk w = { .p = p, .f = f, .low = BPFI_STACK_BYTES };
	bool changed;

	w.in = arena_array(a, p->prog->n_insn + 1, sizeof(*w.in));
	w.seen = arena_alloc(a, p->prog->n_insn + 1);
	w.seen[f->start] = 1;
	do {
		changed = false;
		for (uint32_t i = f->start; i < f->end; i++)
			if (p->leader[i] && w.seen[i])
				changed |= block(&w, i);
	} while (changed);
	*out = w.zero;
	arena_free(a);
	return w.escapes ? 0 : w.low & ~7;
}
