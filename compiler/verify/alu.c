/* SPDX-License-Identifier: MIT
 *
 * alu.c - arithmetic on scalars and on pointers. */
#include "vfy.h"

#include <inttypes.h>

int check_read(struct vfy *v, unsigned r)
{
	if (r >= N_REGS)
		return refuse(v, DIAG_V008, "there is no r%u", r);
	if (reg_of(v, r)->type == REG_NONE)
		return refuse_reg(v, DIAG_V002, r, "r%u is read, but nothing was written to it", r);
	return 0;
}

int check_write(struct vfy *v, unsigned r)
{
	if (r >= N_REGS)
		return refuse(v, DIAG_V008, "there is no r%u", r);
	if (r == BPFI_R10)
		return refuse(v, DIAG_V008, "r10, the frame pointer, cannot be written");
	return 0;
}

/* ---- mov ---- */

/* Copies share an id, so that what is learnt of one holds for the others.  Constants
 * have nothing to learn. */
void link_scalar(struct vfy *v, struct reg *r)
{
	if (r->type != REG_SCALAR)
		return;
	if (r->delta)
		r->id = 0, r->delta = 0;
	if (!r->id && !scalar_is_const(&r->var))
		r->id = ++v->next_id;
}

/* mov with sign extension from in->off bits, or with the upper half cleared. */
static void mov_narrow(struct vfy *v, const struct bpfi *in, struct reg *d, struct reg *s)
{
	bool wide = BPFI_CLASS(in->code) == BPFI_ALU64;
	unsigned bits = in->off ? (unsigned)in->off : 32;
	uint64_t top = in->off ? 1ull << (bits - 1) : 1ull << 32, max;
	bool same;

	if (s->type != REG_SCALAR) {	/* part of an address: just a number */
		if (s->type != REG_ARENA)
			fact_number(v, s);
		reg_set_unknown(v, d);
		if (!wide)
			scalar_zext(&d->var, 32);
		return;
	}
	max = wide || !in->off ? s->var.w.umax : s->var.h.umax;
	same = max < top && (wide || s->var.w.umax >> 32 == 0);
	if (same)
		link_scalar(v, s);
	*d = *s;
	if (!same)
		d->id = 0, d->delta = 0;
	d->def = def_new(v, s->def, 0);
	if (in->off)
		scalar_sext(&d->var, bits, wide);
	if (!wide)
		scalar_zext(&d->var, 32);
}

/* Any value may be cast: what lies outside the arena reads as 0. */
static int step_cast(struct vfy *v, const struct bpfi *in)
{
	struct reg *d, *s;
	int r;

	if ((r = check_read(v, in->src)) < 0 || (r = check_write(v, in->dst)) < 0)
		return r;
	if (v->out->arena < 0)
		return refuse(v, DIAG_V034, "addr_space_cast in a program that names no arena");
	d = reg_of(v, in->dst);
	s = reg_of(v, in->src);
	if (s->type != REG_ARENA)
		fact_number(v, s);
	if (in->imm == BPFI_CAST_KERN)
		reg_set_pointer(v, d, REG_ARENA);
	else
		reg_set_unknown(v, d);
	return 0;
}

static int step_mov(struct vfy *v, const struct bpfi *in)
{
	bool wide = BPFI_CLASS(in->code) == BPFI_ALU64;
	int r;

	if (bpfi_is_cast(in))
		return step_cast(v, in);

	if (BPFI_SRC(in->code) == BPFI_K) {
		if ((r = check_write(v, in->dst)) < 0)
			return r;
		reg_set_scalar(v, reg_of(v, in->dst),
			       scalar_const(wide ? (uint64_t)(int64_t)in->imm : (uint32_t)in->imm),
			       0);
		return 0;
	}
	if ((r = check_read(v, in->src)) < 0 || (r = check_write(v, in->dst)) < 0)
		return r;
	if (!wide || in->off) {
		mov_narrow(v, in, reg_of(v, in->dst), reg_of(v, in->src));
		return 0;
	}
	link_scalar(v, reg_of(v, in->src));
	*reg_of(v, in->dst) = *reg_of(v, in->src);
	return 0;
}

/* ---- pointers ---- */

/* Offsets stay so small that sums of them never overflow. */
static int check_offset(struct vfy *v, unsigned r, const struct reg *p, const struct scalar *off)
{
	int64_t c = (int64_t)off->bits.value;

	if (scalar_is_const(off) && (c >= MAX_OFF || c <= -MAX_OFF))
		return refuse_reg(v, DIAG_V016, r, "%" PRId64 " is too large an offset from a pointer", c);
	if (p->off >= MAX_OFF || p->off <= -MAX_OFF)
		return refuse_reg(v, DIAG_V016, r, "the pointer is %d bytes away from its object", p->off);
	if (off->w.smin == INT64_MIN)
		return refuse_reg(v, DIAG_V016, r, "the offset of a pointer has no lower bound; "
				  "check it as an unsigned number, or 'and' it with a constant");
	if (off->w.smin >= MAX_OFF || off->w.smin <= -MAX_OFF)
		return refuse_reg(v, DIAG_V016, r, "the offset of a pointer may be %" PRId64,
				  off->w.smin);
	return 0;
}

static bool arithmetic_allowed(const struct reg *p, enum bpfi_op op, const struct scalar *off)
{
	switch ((enum reg_type)p->type) {
	case REG_CTX:
	case REG_STACK:
	case REG_MAP_VALUE:
	case REG_MAP_KEY:
	case REG_PACKET:
	case REG_PACKET_META:
	case REG_MEM:
	case REG_ANYWHERE:
		return true;
	case REG_MAP:
		return op == BPFI_ADD && scalar_is(off, 0);
	default:
		return false;
	}
}

/* d = p op off.  `r` is the register to complain about. */
static int pointer_arithmetic(struct vfy *v, const struct bpfi *in, unsigned dst, struct reg p,
			      const struct reg *off, bool pointer_is_src)
{
	enum bpfi_op op = (enum bpfi_op)BPFI_OP(in->code);
	struct reg *d = reg_of(v, dst);
	const struct scalar *s = &off->var;
	int64_t c;
	int r;

	if (BPFI_CLASS(in->code) == BPFI_ALU) {
		if (op == BPFI_SUB) {
			fact_number(v, &p);
			reg_set_unknown(v, d);
			scalar_zext(&d->var, 32);
			return 0;
		}
		return refuse_reg(v, DIAG_V016, dst, "32-bit arithmetic on a pointer");
	}
	if (p.or_null)
		return refuse_reg(v, DIAG_V015, dst, "arithmetic on a pointer that may be NULL; compare it with 0 first");
	if (op != BPFI_ADD && op != BPFI_SUB)
		return refuse_reg(v, DIAG_V016, dst, "only + and - work on pointers");
	if (!arithmetic_allowed(&p, op, s))
		return refuse_reg(v, DIAG_V016, dst, "this pointer cannot be moved");
	if (op == BPFI_SUB && pointer_is_src)
		return refuse_reg(v, DIAG_V016, dst, "a pointer is subtracted from a number");
	if (op == BPFI_SUB && p.type == REG_STACK)
		return refuse_reg(v, DIAG_V016, dst, "subtraction from a stack pointer; add a negative number");
	if (p.type == REG_ANYWHERE && !p.size) {	/* one place is as good as another */
		*d = p;
		d->def = def_new(v, p.def, off->def);
		return 0;
	}
	if ((r = check_offset(v, dst, &p, s)) < 0)
		return r;
	mark_precise(v, off->def);
	c = op == BPFI_ADD ? (int64_t)s->bits.value : -(int64_t)s->bits.value;
	*d = p;
	d->def = def_new(v, p.def, off->def);
	if (pointer_is_src && v->opts->plain & PLAIN_ITERATOR)
		d->ref = 0;
	if (scalar_is_const(s) && p.off + c == (int32_t)(p.off + c)) {
		d->off = (int32_t)(p.off + c);
	} else {
		scalar_alu(op, true, false, &d->var, s);
		if (is_packet(d)) {	/* another place: nothing is known to be there */
			d->id = ++v->next_id;
			d->range = 0;
		}
	}
	return check_offset(v, dst, d, &d->var);
}

/* ---- scalars ---- */

/* x + a constant stays linked to x, at that distance. */
static void keep_link(const struct bpfi *in, struct reg *d, const struct reg *s)
{
	bool add = BPFI_OP(in->code) == BPFI_ADD && BPFI_CLASS(in->code) == BPFI_ALU64;

	if (add && d->id && !d->delta && scalar_is_const(&s->var) && s->var.bits.value &&
	    (int64_t)s->var.bits.value == (int32_t)s->var.bits.value)
		d->delta = (int32_t)s->var.bits.value;
	else if (!(add && scalar_is(&s->var, 0)))
		d->id = 0, d->delta = 0;
}

/* Is the result any number, if less is known (vfy_opts.plain)? */
static bool unknown_in_6_18(const struct vfy *v, const struct bpfi *in, const struct reg *s)
{
	enum bpfi_op op = (enum bpfi_op)BPFI_OP(in->code);

	if (op == BPFI_DIV || op == BPFI_MOD)
		return v->opts->plain & PLAIN_DIVISION;
	return v->opts->plain & PLAIN_SHIFT && BPFI_CLASS(in->code) == BPFI_ALU && s->var.w.umax >= 32 &&
	       (op == BPFI_LSH || op == BPFI_RSH || op == BPFI_ARSH);
}

/* Kernel: adjust_reg_min_max_vals(): anything may be done with an address in an arena, in 32 bits, and is one.
 * 1: that was it. */
static int step_halves(struct vfy *v, const struct bpfi *in, struct reg *d, const struct reg *s)
{
	struct insn_aux *aux = &v->aux[v->cur->pc];
	bool arena = d->type == REG_ARENA || s->type == REG_ARENA;

	if (BPFI_CLASS(in->code) == BPFI_ALU64) {
		aux->halves_seen |= arena;
		aux->whole_seen |= !arena;
		v->out->insn[v->cur->pc].halves |= arena;
	}
	if (aux->halves_seen && aux->whole_seen)
		return refuse(v, DIAG_V016, "arithmetic on an address in an arena on one path that comes here, and on "
			      "something else on another");
	if (!arena)
		return 0;
	if (d->type != REG_ARENA)
		fact_number(v, d);
	else if (s->type != REG_ARENA)
		fact_number(v, s);
	reg_set_pointer(v, d, REG_ARENA);
	return 1;
}

static int step_binary(struct vfy *v, const struct bpfi *in, struct reg *s)
{
	struct reg *d = reg_of(v, in->dst);
	enum bpfi_op op = (enum bpfi_op)BPFI_OP(in->code);
	int r;

	if ((r = step_halves(v, in, d, s)))
		return r < 0 ? r : 0;
	if (is_pointer(d) && is_pointer(s)) {
		if (op != BPFI_SUB)
			return refuse_reg(v, DIAG_V016, in->dst, "only a difference of two pointers makes sense");
		fact_number(v, d);
		fact_number(v, s);
		reg_set_unknown(v, d);
		return 0;
	}
	if (is_pointer(d))
		return pointer_arithmetic(v, in, in->dst, *d, s, false);
	if (is_pointer(s)) {
		struct reg off = *d;

		return pointer_arithmetic(v, in, in->dst, *s, &off, true);
	}
	keep_link(in, d, s);
	if (unknown_in_6_18(v, in, s)) {
		reg_set_unknown(v, d);
		return 0;
	}
	scalar_alu(op, BPFI_CLASS(in->code) == BPFI_ALU64, in->off == 1, &d->var, &s->var);
	d->def = def_new(v, d->def, s->def);
	return 0;
}

/* Kernel: scalar_byte_swap().  Every CPU here is a little-endian one, on which `le` cuts off and `be` swaps. */
static void step_swap(struct vfy *v, const struct bpfi *in, struct reg *d)
{
	bool swap = BPFI_CLASS(in->code) == BPFI_ALU64 || BPFI_SRC(in->code) == BPFI_X;
	struct scalar s = scalar_unknown();

	s.bits = swap ? tnum_swap(d->var.bits, (unsigned)in->imm) : tnum_low(d->var.bits, (unsigned)in->imm);
	scalar_sync(&s);
	reg_set_scalar(v, d, s, d->def);
}

int step_alu(struct vfy *v, const struct bpfi *in)
{
	unsigned op = BPFI_OP(in->code);
	struct reg imm, *d;
	int r;

	if (op == BPFI_MOV)
		return step_mov(v, in);
	if (BPFI_SRC(in->code) == BPFI_X && op != BPFI_END && (r = check_read(v, in->src)) < 0)
		return r;
	if ((r = check_read(v, in->dst)) < 0 || (r = check_write(v, in->dst)) < 0)
		return r;
	d = reg_of(v, in->dst);
	if ((op == BPFI_END || op == BPFI_NEG) && is_pointer(d)) {
		if (d->type != REG_ARENA)
			fact_number(v, d);
		reg_set_unknown(v, d);
		return 0;
	}
	if (op == BPFI_END) {
		step_swap(v, in, d);
		return 0;
	}
	if (op == BPFI_NEG) {
		d->id = 0, d->delta = 0;
		scalar_alu(BPFI_NEG, BPFI_CLASS(in->code) == BPFI_ALU64, false, &d->var, &d->var);
		d->def = def_new(v, d->def, 0);
		return 0;
	}
	if (BPFI_SRC(in->code) == BPFI_X)
		return step_binary(v, in, reg_of(v, in->src));
	imm = (struct reg){ .type = REG_SCALAR };
	imm.var = scalar_const((uint64_t)(int64_t)in->imm);
	return step_binary(v, in, &imm);
}
