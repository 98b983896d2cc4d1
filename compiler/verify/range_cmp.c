/* SPDX-License-Identifier: MIT
 *
 * range_cmp.c - conditional jumps: which way they go, and what that says. */
#include "range_priv.h"

/* The operand as the comparison sees it. */
static const struct ival *view(const struct scalar *s, bool wide) { return wide ? &s->w : &s->h; }

static bool apart(const struct ival *a, const struct ival *b)
{
	return a->umin > b->umax || a->umax < b->umin || a->smin > b->smax || a->smax < b->smin;
}

static int decide_eq(bool wide, const struct scalar *a, const struct scalar *b)
{
	unsigned bits = wide ? WORD : HALF;
	struct tnum x = tnum_low(a->bits, bits), y = tnum_low(b->bits, bits);

	if (tnum_is_const(x) && tnum_is_const(y))
		return x.value == y.value;
	if (!tnum_overlap(x, y) || apart(view(a, wide), view(b, wide)) ||
	    (wide && apart(&a->h, &b->h)))
		return 0;
	return -1;
}

static int decide_set(bool wide, const struct scalar *a, const struct scalar *b)
{
	struct tnum both = tnum_low(tnum_and(a->bits, b->bits), wide ? WORD : HALF);

	return both.value ? 1 : both.mask ? -1 : 0;
}

static int decide_less_u(const struct ival *a, const struct ival *b, bool or_equal)
{
	if (a->umax < b->umin || (or_equal && a->umax == b->umin))
		return 1;
	if (a->umin > b->umax || (!or_equal && a->umin == b->umax))
		return 0;
	return -1;
}

static int decide_less_s(const struct ival *a, const struct ival *b, bool or_equal)
{
	if (a->smax < b->smin || (or_equal && a->smax == b->smin))
		return 1;
	if (a->smin > b->smax || (!or_equal && a->smin == b->smax))
		return 0;
	return -1;
}

static int negate(int taken) { return taken < 0 ? taken : !taken; }

int scalar_decide(enum bpfi_op op, bool wide, const struct scalar *a, const struct scalar *b)
{
	const struct ival *x = view(a, wide), *y = view(b, wide);

	switch ((unsigned)op) {
	case BPFI_JEQ:	return decide_eq(wide, a, b);
	case BPFI_JNE:	return negate(decide_eq(wide, a, b));
	case BPFI_JSET:	return decide_set(wide, a, b);
	case BPFI_JLT:	return decide_less_u(x, y, false);
	case BPFI_JLE:	return decide_less_u(x, y, true);
	case BPFI_JGT:	return decide_less_u(y, x, false);
	case BPFI_JGE:	return decide_less_u(y, x, true);
	case BPFI_JSLT:	return decide_less_s(x, y, false);
	case BPFI_JSLE:	return decide_less_s(x, y, true);
	case BPFI_JSGT:	return decide_less_s(y, x, false);
	case BPFI_JSGE:	return decide_less_s(y, x, true);
	default:	return -1;
	}
}

int scalar_decide_self(enum bpfi_op op, bool wide, const struct scalar *s)
{
	const struct ival *i = view(s, wide);

	switch ((unsigned)op) {
	case BPFI_JEQ:
	case BPFI_JGE:
	case BPFI_JLE:
	case BPFI_JSGE:
	case BPFI_JSLE:
		return 1;
	case BPFI_JSET:
		return !i->umax ? 0 : i->umin || i->smax < 0 ? 1 : -1;
	default:
		return 0;
	}
}

static void assume_eq(bool wide, struct scalar *a, struct scalar *b)
{
	uint64_t up = wide ? 0 : ~low_mask(HALF);
	struct tnum x = a->bits;

	/* For halves the upper bits of each stay what they are. */
	a->bits = tnum_meet(x, tnum_make(b->bits.value & ~up, b->bits.mask | up));
	b->bits = tnum_meet(b->bits, tnum_make(x.value & ~up, x.mask | up));
	if (wide) {
		meet(&a->w, &b->w);
		b->w = a->w;
	}
	meet(&a->h, &b->h);
	b->h = a->h;
}

/* Only a bound that is excluded moves. */
static void exclude(struct ival *i, uint64_t u, int64_t s)
{
	if (i->umin == u)
		i->umin++;
	if (i->umax == u)
		i->umax--;
	if (i->smin == s)
		i->smin++;
	if (i->smax == s)
		i->smax--;
}

static void assume_ne(bool wide, struct scalar *a, const struct scalar *b)
{
	uint64_t v;

	if (!scalar_known(b, wide, &v))
		return;
	if (wide)
		exclude(&a->w, v, sext_bits(v, WORD));
	else
		exclude(&a->h, v, sext_bits(v, HALF));
}

/* That x & y has a bit says something when y has one bit; that it has none, for all bits
 * of a known y. */
static void assume_set(bool wide, bool holds, struct scalar *a, const struct scalar *b)
{
	uint64_t v;

	if (!scalar_known(b, wide, &v) || !v)
		return;
	if (!holds)
		a->bits = tnum_make(a->bits.value & ~v, a->bits.mask & ~v);
	else if (!(v & (v - 1)))
		a->bits = tnum_make(a->bits.value | v, a->bits.mask & ~v);
}

static bool assume_less_u(struct ival *a, struct ival *b, bool or_equal, unsigned bits)
{
	if (!or_equal && (!b->umax || a->umin == low_mask(bits)))
		return false;
	a->umax = MIN(a->umax, b->umax - !or_equal);
	b->umin = MAX(b->umin, a->umin + !or_equal);
	return true;
}

static bool assume_less_s(struct ival *a, struct ival *b, bool or_equal, unsigned bits)
{
	if (!or_equal && (b->smax == least(bits) || a->smin == most(bits)))
		return false;
	a->smax = MIN(a->smax, b->smax - !or_equal);
	b->smin = MAX(b->smin, a->smin + !or_equal);
	return true;
}

/* x op y for the orders: everything is said as "less" or "less or equal". */
static bool assume_order(enum bpfi_op op, bool wide, bool holds, struct scalar *a, struct scalar *b)
{
	unsigned bits = wide ? WORD : HALF;
	struct ival *x = wide ? &a->w : &a->h, *y = wide ? &b->w : &b->h, *t;
	bool is_signed = op == BPFI_JSGT || op == BPFI_JSGE || op == BPFI_JSLT || op == BPFI_JSLE;
	bool greater = op == BPFI_JGT || op == BPFI_JGE || op == BPFI_JSGT || op == BPFI_JSGE;
	bool or_equal = op == BPFI_JGE || op == BPFI_JLE || op == BPFI_JSGE || op == BPFI_JSLE;

	if (!holds) {		/* not (x < y): y <= x */
		greater = !greater;
		or_equal = !or_equal;
	}
	if (greater)
		t = x, x = y, y = t;
	return is_signed ? assume_less_s(x, y, or_equal, bits)
			 : assume_less_u(x, y, or_equal, bits);
}

bool scalar_assume(enum bpfi_op op, bool wide, bool holds, struct scalar *a, struct scalar *b)
{
	int taken = scalar_decide(op, wide, a, b);
	bool a_left, b_left;

	if (taken >= 0 && (bool)taken != holds)
		return false;
	switch ((unsigned)op) {
	case BPFI_JEQ:
	case BPFI_JNE:
		if ((op == BPFI_JEQ) == holds) {
			assume_eq(wide, a, b);
		} else {
			assume_ne(wide, a, b);
			assume_ne(wide, b, a);
		}
		break;
	case BPFI_JSET:
		assume_set(wide, holds, a, b);
		assume_set(wide, holds, b, a);
		break;
	default:
		if (!assume_order(op, wide, holds, a, b))
			return false;
	}
	a_left = scalar_sync(a);
	b_left = scalar_sync(b);
	return a_left && b_left;
}
