/* SPDX-License-Identifier: MIT
 *
 * cfg.c - subprograms, jump targets, what can be reached, which registers are live. */
#include "vfy.h"

#include <string.h>

int sub_at(const struct vfy *v, uint32_t insn)
{
	uint32_t lo = 0, hi = v->n_sub;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (v->sub[mid].start < insn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < v->n_sub && v->sub[lo].start == insn ? (int)lo : -1;
}

static bool is_call_local(const struct bpfi *in)
{
	return in->code == BPFI_JMP_CALL && in->src == BPFI_CALL_LOCAL;
}

static bool is_func_ref(const struct bpfi *in)
{
	return in->code == BPFI_LD_IMM64 && in->src == BPFI_LD_FUNC;
}

/* Does the instruction jump, apart from going on?  *to may lie anywhere. */
static bool jump_target(const struct bpfi *in, uint32_t i, int64_t *to)
{
	unsigned class = BPFI_CLASS(in->code);

	if ((class != BPFI_JMP && class != BPFI_JMP32) || in->code == BPFI_JMP_CALL ||
	    in->code == BPFI_JMP_EXIT)
		return false;
	*to = (int64_t)i + 1 + (in->code == BPFI_JMP_GOTOL ? in->imm : in->off);
	return true;
}

static bool falls_through(const struct bpfi *in)
{
	return in->code != BPFI_JMP_EXIT && in->code != BPFI_JMP_JA && in->code != BPFI_JMP_GOTOL;
}

static int add_sub(struct vfy *v, int64_t at, bool callback)
{
	uint32_t i = 0;

	if (at < 0 || at >= v->n_insn || v->aux[at].bits & INSN_SECOND)
		return refuse(v, DIAG_V005, "there is no function at %lld", (long long)at);
	while (i < v->n_sub && v->sub[i].start < at)
		i++;
	if (i == v->n_sub || v->sub[i].start != at) {
		if (v->n_sub == MAX_SUBPROGS)
			return refuse(v, DIAG_V025, "more than %d functions", MAX_SUBPROGS);
		memmove(&v->sub[i + 1], &v->sub[i], (v->n_sub - i) * sizeof(v->sub[0]));
		v->sub[i] = (struct subprog){ .start = (uint32_t)at };
		v->n_sub++;
	}
	v->sub[i].callback |= callback;
	return 0;
}

static int find_subs(struct vfy *v)
{
	int r = add_sub(v, 0, false);

	for (uint32_t i = 0; i < v->n_insn && r >= 0; i++) {
		const struct bpfi *in = &v->insn[i];

		v->cur->pc = i;
		if (is_call_local(in) || is_func_ref(in))
			r = add_sub(v, (int64_t)i + 1 + in->imm, is_func_ref(in));
		if (in->code == BPFI_LD_IMM64)
			i++;
	}
	for (uint32_t s = 0; s < v->n_sub; s++)
		v->sub[s].end = s + 1 < v->n_sub ? v->sub[s + 1].start : v->n_insn;
	for (size_t f = 0; f < v->p->n_func && r >= 0; f++) {
		int s = sub_at(v, v->p->func[f].insn);

		if (s >= 0)
			v->sub[s].func = &v->p->func[f];
	}
	return r;
}

static int check_jumps(struct vfy *v)
{
	for (uint32_t s = 0; s < v->n_sub; s++) {
		struct subprog *f = &v->sub[s];
		uint32_t last = f->start;

		for (uint32_t i = f->start; i < f->end; i++) {
			const struct bpfi *in = &v->insn[i];
			int64_t to;

			v->aux[i].sub = (uint16_t)s;
			if (v->aux[i].bits & INSN_SECOND)
				continue;
			last = v->cur->pc = i;
			if (in->code == BPFI_JMP_CALL && in->src == BPFI_CALL_HELPER &&
			    in->imm == HELPER_tail_call)
				f->tail_call = true;
			if (in->code == BPFI_JMP_CALL && in->src == BPFI_CALL_HELPER &&
			    in->imm == HELPER_spin_lock)
				f->locks = true;
			if (!jump_target(in, i, &to))
				continue;
			if (to < f->start || to >= f->end)
				return refuse(v, DIAG_V005, "jump to %lld, out of the %s",
					      (long long)to, s ? "function" : "program");
			if (v->aux[to].bits & INSN_SECOND)
				return refuse(v, DIAG_V005, "jump into the middle of ld_imm64 at %lld",
					      (long long)to - 1);
		}
		if (f->tail_call && s && (!f->func || !f->func->btf_id)) {
			v->cur->pc = f->start;
			return refuse(v, DIAG_V027, "a tail call in a function without BTF");
		}
		v->cur->pc = last;
		if (falls_through(&v->insn[last]))
			return refuse(v, DIAG_V006, "the last instruction is neither exit nor jump");
	}
	return 0;
}

/* A helper that takes a function of the program. */
static bool calls_back(const struct bpfi *in)
{
	const struct helper_proto *h =
		in->code == BPFI_JMP_CALL && in->src == BPFI_CALL_HELPER ? helper_proto(in->imm) : NULL;

	for (int i = 0; h && i < 5; i++)
		if (h->arg[i] == ARG_FUNC)
			return true;
	return false;
}

/* The head of a loop over an iterator, which ends by itself. */
static bool turns(const struct vfy *v, const struct bpfi *in)
{
	const struct helper_proto *k = called_kfunc(v, in);

	return k && k->ret == RET_ITER_ELEM_OR_NULL;
}

static void visit(struct vfy *v, uint32_t **work, size_t *n, size_t *cap, int64_t to)
{
	if (v->aux[to].bits & INSN_SEEN)
		return;
	v->aux[to].bits |= INSN_SEEN;
	*ARENA_PUSH(v->mem, *work, *n, *cap) = (uint32_t)to;
}

/* Everything must be reachable; where paths can meet, states are compared. */
static int check_reachable(struct vfy *v)
{
	uint32_t *work = NULL;
	size_t n = 0, cap = 0;
	int64_t to;

	visit(v, &work, &n, &cap, 0);
	while (n) {
		uint32_t i = work[--n], next;
		const struct bpfi *in = &v->insn[i];

		next = i + 1 + (in->code == BPFI_LD_IMM64);
		if (is_call_local(in) || is_func_ref(in)) {
			to = (int64_t)i + 1 + in->imm;
			v->aux[to].bits |= INSN_PRUNE;
			visit(v, &work, &n, &cap, to);
		}
		if (jump_target(in, i, &to)) {
			v->aux[to].bits |= INSN_PRUNE;
			if (falls_through(in))
				v->aux[i].bits |= INSN_PRUNE;
			if (in->code == BPFI_MAY_GOTO)
				v->aux[i].bits |= INSN_LOOP, v->sub[v->aux[i].sub].counts = true;
			visit(v, &work, &n, &cap, to);
		}
		if (is_call_local(in))
			v->aux[next].bits |= INSN_PRUNE;
		if (calls_back(in) || turns(v, in))
			v->aux[i].bits |= INSN_PRUNE | INSN_LOOP;
		if (falls_through(in))
			visit(v, &work, &n, &cap, next);
	}
	for (uint32_t i = 0; i < v->n_insn; i++) {
		v->cur->pc = i;
		if (!(v->aux[i].bits & (INSN_SEEN | INSN_SECOND)))
			return refuse(v, DIAG_V007, "no path leads here");
	}
	return 0;
}

/* Who calls a function that takes a lock takes one. */
static void find_locks(struct vfy *v)
{
	bool changed;

	do {
		changed = false;
		for (uint32_t i = 0; i < v->n_insn; i++) {
			const struct bpfi *in = &v->insn[i];
			struct subprog *f = &v->sub[v->aux[i].sub];

			if (v->aux[i].bits & INSN_SECOND || f->locks || (!is_call_local(in) && !is_func_ref(in)))
				continue;
			changed |= f->locks = v->sub[sub_at(v, i + 1 + (uint32_t)in->imm)].locks;
		}
	} while (changed);
}

int check_cfg(struct vfy *v)
{
	int r;

	if ((r = find_subs(v)) < 0 || (r = check_jumps(v)) < 0)
		return r;
	find_locks(v);
	return check_reachable(v);
}

/* ---- registers that are read before they are written again ---- */

enum { R0 = 1, ARGS = 0x3e, SAVED = 0x3c0 };

static void uses(const struct vfy *v, const struct bpfi *in, uint16_t *use, uint16_t *def)
{
	uint16_t dst = (uint16_t)(1u << in->dst), src = (uint16_t)(1u << in->src);
	bool x = BPFI_SRC(in->code) == BPFI_X;

	*use = *def = 0;
	switch (BPFI_CLASS(in->code)) {
	case BPFI_ALU:
	case BPFI_ALU64:
		*def = dst;
		if (BPFI_OP(in->code) == BPFI_END || BPFI_OP(in->code) == BPFI_NEG)
			*use = dst;
		else
			*use = (BPFI_OP(in->code) == BPFI_MOV ? 0 : dst) | (x ? src : 0);
		break;
	case BPFI_LDX:
		*def = dst;
		*use = src;
		break;
	case BPFI_ST:
		*use = dst;
		break;
	case BPFI_STX:
		*use = dst | src;
		if (BPFI_MODE(in->code) != BPFI_ATOMIC)
			break;
		if (in->imm == BPFI_ATOMIC_CMPXCHG)
			*use |= R0;
		if (in->imm == BPFI_ATOMIC_LOAD)
			*use = src, *def = dst;
		break;
	case BPFI_LD:
		if (in->code == BPFI_LD_IMM64)
			*def = dst;
		else
			*use = (uint16_t)(1u << 6 | (BPFI_MODE(in->code) == BPFI_IND ? src : 0)),
			*def = R0 | ARGS;
		break;
	default:
		if (in->code == BPFI_JMP_EXIT)
			*use = R0;
		else if (in->code == BPFI_JMP_CALL)
			*use = ARGS, *def = R0 | ARGS;
		else if (jump_target(in, 0, &(int64_t){ 0 }) && falls_through(in) &&
			 in->code != BPFI_MAY_GOTO)
			*use = (uint16_t)(dst | (x ? src : 0));
	}
	(void)v;
}

/* Helpers read as many arguments as their prototype has. */
static uint16_t call_uses(const struct vfy *v, const struct bpfi *in)
{
	const struct helper_proto *h = unit_callee(v->u, in);
	uint16_t use = 0;

	if (!h || h->refused)
		return ARGS;
	for (int i = 0; i < 5 && h->arg[i] != ARG_NONE; i++)
		use |= (uint16_t)(2u << i);
	return use;
}

void live_registers(struct vfy *v)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (uint32_t i = v->n_insn; i-- > 0;) {
			const struct bpfi *in = &v->insn[i];
			uint16_t use, def, out = 0;
			int64_t to;

			if (v->aux[i].bits & INSN_SECOND)
				continue;
			uses(v, in, &use, &def);
			if (in->code == BPFI_JMP_CALL)
				use = call_uses(v, in);
			if (falls_through(in))
				out |= v->aux[i + 1 + (in->code == BPFI_LD_IMM64)].live;
			if (jump_target(in, i, &to))
				out |= v->aux[to].live;
			out = (uint16_t)((out & ~def) | use);
			if (out != v->aux[i].live) {
				v->aux[i].live = out;
				changed = true;
			}
		}
	}
}
