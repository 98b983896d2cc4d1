/* SPDX-License-Identifier: MIT
 *
 * jump.c - jumps: which ways they can go, and what each way says about registers. */
#include "vfy.h"

/* ---- what holds for one register holds for its copies ---- */

struct link {
	struct vfy       *v;
	const struct reg *known;
};

static void follow(struct reg *r, void *arg)
{
	const struct link *l = arg;
	struct scalar by;

	if (r == l->known || r->type != REG_SCALAR || r->id != l->known->id)
		return;
	by = scalar_const((uint64_t)((int64_t)r->delta - l->known->delta));
	r->var = l->known->var;
	if (!scalar_is(&by, 0))
		scalar_alu(BPFI_ADD, true, false, &r->var, &by);
	r->def = def_new(l->v, r->def, l->known->def);
}

static void sync_copies(struct vfy *v, struct state *s, struct reg *known)
{
	struct link l = { v, known };

	if (known->type == REG_SCALAR && known->id)
		each_reg(s, follow, &l);
}

struct nulls {
	struct vfy *v;
	uint32_t    id;
	bool        is_null;
};

static void settle(struct reg *r, void *arg)
{
	const struct nulls *n = arg;

	if (!is_pointer(r) || !r->or_null || r->id != n->id)
		return;
	if (n->is_null) {
		reg_set_scalar(n->v, r, scalar_const(0), r->def);
		return;
	}
	r->or_null = false;
	if (!has_lock(n->v, r))
		r->id = 0;
}

/* The pointer with that id is, or is not, NULL: a reference that was not given out
 * need not be released. */
void settle_null(struct vfy *v, struct state *s, uint32_t id, uint32_t ref, bool is_null)
{
	struct nulls n = { v, id, is_null };

	if (is_null && ref)
		ref_drop(s, ref);
	each_reg(s, settle, &n);
}

/* ---- packets ---- */

struct found {
	const struct reg *p;
	uint32_t          range;
};

static void widen_range(struct reg *r, void *arg)
{
	const struct found *f = arg;

	if (r->type == f->p->type && r->id == f->p->id && r->range < f->range)
		r->range = f->range;
}

/* p <= end, or with `strictly` p < end: the bytes up to p are there. */
static void packet_reaches(struct state *s, const struct reg *p, bool strictly)
{
	enum { MAX_PACKET = 0xffff };
	struct reg copy = *p;
	struct found f = { &copy, (uint32_t)p->off + strictly };

	if (p->off < 0 || (!p->off && strictly) || p->var.w.umax > MAX_PACKET ||
	    p->var.w.umax + (uint64_t)p->off > MAX_PACKET)
		return;
	each_reg(s, widen_range, &f);
}

static bool is_packet_start(const struct reg *r)
{
	return r->type == REG_PACKET && !r->off && scalar_is(&r->var, 0) && !r->id;
}

/* Does d op s compare a packet pointer with the end of what it points into? */
static bool packet_compare(const struct reg *d, const struct reg *s, bool *d_is_end)
{
	if ((d->type == REG_PACKET && s->type == REG_PACKET_END) ||
	    (d->type == REG_PACKET_META && is_packet_start(s))) {
		*d_is_end = false;
		return true;
	}
	*d_is_end = true;
	return (s->type == REG_PACKET && d->type == REG_PACKET_END) ||
	       (s->type == REG_PACKET_META && is_packet_start(d));
}

static void learn_packet(enum bpfi_op op, bool d_is_end, unsigned dst, unsigned src,
			 struct state *taken, struct state *fall)
{
	/* Said as "end op' p" the four orders become p < end or p <= end on one side. */
	unsigned p = d_is_end ? src : dst;
	bool greater = op == BPFI_JGT || op == BPFI_JGE;
	bool or_equal = op == BPFI_JGE || op == BPFI_JLE;
	bool when_taken = greater == d_is_end;
	struct state *s = when_taken ? taken : fall;

	if (op != BPFI_JGT && op != BPFI_JGE && op != BPFI_JLT && op != BPFI_JLE)
		return;
	packet_reaches(s, &frame_of(s)->r[p], when_taken ? !or_equal : or_equal);
}

/* ---- conditional jumps ---- */

/* Is it surely not 0?  The memory of a vm program that has none may be, and an empty packet;
 * what is gone may have been NULL. */
static bool never_null(const struct reg *r)
{
	return !r->or_null && (r->type == REG_MAP_VALUE || r->type == REG_MAP_KEY ||
			       (r->type == REG_MEM && r->size) || r->type == REG_MAP);
}

static int decide_pointer(enum bpfi_op op, const struct reg *d, const struct reg *s)
{
	const struct reg *p = is_pointer(d) ? d : s, *n = is_pointer(d) ? s : d;

	if (n->type != REG_SCALAR || !scalar_is(&n->var, 0) || !never_null(p))
		return -1;
	return op == BPFI_JEQ ? 0 : op == BPFI_JNE ? 1 : -1;
}

/* A comparison of two scalars and what each outcome leaves of them. */
struct outcome {
	bool          possible;
	struct scalar d, s;
};

static void learn_scalars(struct vfy *v, struct state *st, const struct bpfi *in, bool by_reg,
			  const struct outcome *o)
{
	struct reg *d = &frame_of(st)->r[in->dst], *s = by_reg ? &frame_of(st)->r[in->src] : NULL;
	uint32_t dd = d->def, sd = s ? s->def : 0;

	if (d == s)
		return;
	if (!scalar_equal(&o->d, &d->var)) {
		d->var = o->d;
		if (s)
			d->def = def_new(v, dd, sd);
	}
	sync_copies(v, st, d);
	if (!s)
		return;
	if (!scalar_equal(&o->s, &s->var)) {
		s->var = o->s;
		s->def = def_new(v, dd, sd);
	}
	sync_copies(v, st, s);
}

/* d == s between a pointer that may be NULL and one that is not: neither is NULL. */
static void learn_not_null(struct vfy *v, struct state *s, const struct reg *d,
			   const struct reg *r)
{
	const struct reg *p = d->or_null ? d : r, *q = d->or_null ? r : d;

	if (is_pointer(d) && is_pointer(r) && p->or_null &&
	    (never_null(q) || q->type == REG_STACK || q->type == REG_CTX))
		settle_null(v, s, p->id, 0, false);
}

static void learn_pointers(struct vfy *v, const struct bpfi *in, const struct reg *d,
			   const struct reg *s, bool by_reg, struct state *taken,
			   struct state *fall)
{
	enum bpfi_op op = (enum bpfi_op)BPFI_OP(in->code);
	bool eq = op == BPFI_JEQ || op == BPFI_JNE, d_is_end;
	bool null = !by_reg && !in->imm && d->or_null && eq;

	v->out->by_chance |= !null && !packet_compare(d, s, &d_is_end);
	if (BPFI_CLASS(in->code) != BPFI_JMP)
		return;
	if (null) {
		settle_null(v, taken, d->id, d->dynptr ? 0 : d->ref, op == BPFI_JEQ);
		settle_null(v, fall, d->id, d->dynptr ? 0 : d->ref, op == BPFI_JNE);
	} else if (by_reg && eq) {
		learn_not_null(v, op == BPFI_JEQ ? taken : fall, d, s);
	} else if (by_reg && packet_compare(d, s, &d_is_end)) {
		learn_packet(op, d_is_end, in->dst, in->src, taken, fall);
	}
}

static struct scalar only_bits(const struct scalar *s)
{
	struct scalar u = scalar_unknown();

	u.bits = s->bits;
	scalar_sync(&u);
	return u;
}

/* Which ways are possible: 1 only the jump, 0 only going on, -1 both; then out[] says
 * what each leaves of two scalars. */
static int decide(const struct vfy *v, const struct bpfi *in, const struct reg *d, const struct reg *s,
		  struct outcome out[2])
{
	enum bpfi_op op = (enum bpfi_op)BPFI_OP(in->code);
	bool wide = BPFI_CLASS(in->code) == BPFI_JMP;
	int taken;

	if (is_pointer(d) && is_pointer(s))
		return -1;
	if (is_pointer(d) || is_pointer(s))
		return decide_pointer(op, d, s);
	taken = BPFI_SRC(in->code) == BPFI_X && in->dst == in->src && !(v->opts->plain & PLAIN_SELF)
			? scalar_decide_self(op, wide, &d->var)
			: scalar_decide(op, wide, &d->var, &s->var);
	if (taken >= 0)
		return taken;
	for (int holds = 0; holds < 2; holds++) {
		out[holds] = (struct outcome){ true, d->var, s->var };
		out[holds].possible = scalar_assume(op, wide, holds, &out[holds].d, &out[holds].s);
		if (!out[holds].possible && v->opts->plain & PLAIN_CONTRADICTION)
			out[holds] = (struct outcome){ true, d->var, s->var };
		if (op == BPFI_JSET && !holds && v->opts->plain & PLAIN_BITS)
			out[holds].d = only_bits(&out[holds].d);
	}
	return out[0].possible && out[1].possible ? -1 : out[1].possible;
}

static int step_condition(struct vfy *v, const struct bpfi *in, uint32_t target)
{
	struct insn_aux *aux = &v->aux[v->cur->pc];
	bool by_reg = BPFI_SRC(in->code) == BPFI_X;
	struct reg d, s = { .type = REG_SCALAR };
	struct outcome out[2];
	struct state *jumped;
	int r, taken;

	if ((by_reg && (r = check_read(v, in->src)) < 0) || (r = check_read(v, in->dst)) < 0)
		return r;
	s.var = scalar_const((uint64_t)(int64_t)in->imm);
	if (by_reg)
		s = *reg_of(v, in->src);
	d = *reg_of(v, in->dst);
	taken = decide(v, in, &d, &s, out);
	aux->took_jump |= taken != 0;
	aux->took_fall |= taken != 1;
	if (taken >= 0) {
		if (!is_pointer(&d))
			mark_precise(v, d.def);
		if (!is_pointer(&s))
			mark_precise(v, s.def);
		if (taken)
			v->next = target;
		return 0;
	}
	jumped = fork_path(v, target);
	if (!jumped)
		return -DIAG_V025;
	if (is_pointer(&d) || is_pointer(&s)) {
		learn_pointers(v, in, &d, &s, by_reg, jumped, v->cur);
	} else {
		learn_scalars(v, jumped, in, by_reg, &out[1]);
		learn_scalars(v, v->cur, in, by_reg, &out[0]);
	}
	return 0;
}

int step_jump(struct vfy *v, const struct bpfi *in)
{
	uint32_t target = v->cur->pc + 1 +
			  (uint32_t)(in->code == BPFI_JMP_GOTOL ? in->imm : in->off);

	v->n_jumps++;
	if (in->code == BPFI_JMP_JA || in->code == BPFI_JMP_GOTOL) {
		v->next = target;
		return 0;
	}
	if (in->code == BPFI_MAY_GOTO) {
		struct state *body = fork_path(v, v->next);

		if (!body)
			return -DIAG_V025;
		bound_turn(body, frame_of(body)->counter);
		widen(v, body, v->cur->parent);	/* made before this instruction */
		v->sub[frame_of(body)->sub].may_goto = true;
		v->next = target;
		return 0;
	}
	return step_condition(v, in, target);
}
