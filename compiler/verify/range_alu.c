/* SPDX-License-Identifier: MIT
 *
 * range_alu.c - arithmetic on ranges. */
#include "range_priv.h"

typedef __int128 wide_int;

/* ---- arithmetic on intervals ---- */

/* Reduces a range of exact results to `bits` bits: it survives when all of it lies
 * in the same turn of the wheel. */
static void wrap_u(struct ival *r, wide_int lo, wide_int hi, unsigned bits)
{
	if (lo >> bits != hi >> bits) {
		r->umin = 0;
		r->umax = low_mask(bits);
	} else {
		r->umin = (uint64_t)lo & low_mask(bits);
		r->umax = (uint64_t)hi & low_mask(bits);
	}
}

static void clip_s(struct ival *r, wide_int lo, wide_int hi, unsigned bits)
{
	bool fits = lo >= least(bits) && hi <= most(bits);

	r->smin = fits ? (int64_t)lo : least(bits);
	r->smax = fits ? (int64_t)hi : most(bits);
}

static struct ival ival_add(const struct ival *a, const struct ival *b, unsigned bits)
{
	struct ival r;

	wrap_u(&r, (wide_int)a->umin + b->umin, (wide_int)a->umax + b->umax, bits);
	clip_s(&r, (wide_int)a->smin + b->smin, (wide_int)a->smax + b->smax, bits);
	return r;
}

static struct ival ival_sub(const struct ival *a, const struct ival *b, unsigned bits)
{
	struct ival r;

	wrap_u(&r, (wide_int)a->umin - b->umax, (wide_int)a->umax - b->umin, bits);
	clip_s(&r, (wide_int)a->smin - b->smax, (wide_int)a->smax - b->smin, bits);
	return r;
}

static struct ival ival_mul(const struct ival *a, const struct ival *b, unsigned bits)
{
	wide_int p[4] = { (wide_int)a->smin * b->smin, (wide_int)a->smin * b->smax,
			  (wide_int)a->smax * b->smin, (wide_int)a->smax * b->smax };
	unsigned __int128 top = (unsigned __int128)a->umax * b->umax;
	wide_int lo = p[0], hi = p[0];
	struct ival r = ival_all(bits);

	if (top <= low_mask(bits))
		r.umin = a->umin * b->umin, r.umax = (uint64_t)top;
	for (int i = 1; i < 4; i++) {
		lo = MIN(lo, p[i]);
		hi = MAX(hi, p[i]);
	}
	clip_s(&r, lo, hi, bits);
	return r;
}

/* An unsigned range whose numbers agree on the sign is a signed one too. */
static struct ival ival_from_u(uint64_t lo, uint64_t hi, unsigned bits)
{
	struct ival r = ival_all(bits);

	r.umin = lo;
	r.umax = hi;
	if (sext_bits(lo, bits) <= sext_bits(hi, bits)) {
		r.smin = sext_bits(lo, bits);
		r.smax = sext_bits(hi, bits);
	}
	return r;
}

/* and, or, xor: `t` is the result by bits. */
static struct ival ival_bitwise(enum bpfi_op op, const struct ival *a, const struct ival *b,
				struct tnum t, unsigned bits)
{
	uint64_t lo, hi;

	t = tnum_low(t, bits);
	lo = t.value;
	hi = t.value | t.mask;
	if (op == BPFI_AND)
		hi = MIN(a->umax, b->umax);
	else if (op == BPFI_OR)
		lo = MAX(a->umin, b->umin);
	return ival_from_u(lo, hi, bits);
}

static struct ival ival_lsh(const struct ival *a, unsigned n, unsigned bits)
{
	struct ival r = ival_all(bits);

	if (n < bits && a->umax <= low_mask(bits) >> n) {
		r.umin = a->umin << n;
		r.umax = a->umax << n;
	}
	return r;
}

static struct ival ival_rsh(const struct ival *a, unsigned n, unsigned bits)
{
	struct ival r = ival_all(bits);

	r.umin = a->umin >> n;
	r.umax = a->umax >> n;
	return r;
}

static struct ival ival_arsh(const struct ival *a, unsigned n, unsigned bits)
{
	struct ival r = ival_all(bits);

	r.smin = a->smin >> n;
	r.smax = a->smax >> n;
	return r;
}

/* x / 0 = 0 */
static struct ival ival_div(const struct ival *a, const struct ival *b, unsigned bits)
{
	struct ival r = ival_all(bits);

	r.umin = b->umin ? a->umin / b->umax : 0;
	r.umax = a->umax / MAX(b->umin, 1);
	return r;
}

/* x % 0 = x */
static struct ival ival_mod(const struct ival *a, const struct ival *b, unsigned bits)
{
	struct ival r = ival_all(bits);

	if (a->umax < b->umin) {
		r.umin = a->umin;
		r.umax = a->umax;
	} else {
		r.umax = b->umin ? MIN(a->umax, b->umax - 1) : a->umax;
	}
	return r;
}

/* Only for a divisor that is one number; INT_MIN / -1 = INT_MIN. */
static struct ival ival_sdiv(const struct ival *a, const struct ival *b, unsigned bits)
{
	struct ival r = ival_all(bits);
	int64_t d = b->smin;

	if (d != b->smax)
		return r;
	if (!d)
		return ival_const(0, bits);
	if (d == -1) {
		if (a->smin == least(bits))
			return r;
		r.smin = -a->smax;
		r.smax = -a->smin;
		return r;
	}
	r.smin = MIN(a->smin / d, a->smax / d);
	r.smax = MAX(a->smin / d, a->smax / d);
	return r;
}

/* The result has the sign of the dividend and is smaller than the divisor. */
static struct ival ival_smod(const struct ival *a, const struct ival *b, unsigned bits)
{
	struct ival r = ival_all(bits);
	uint64_t top, d = b->smin < 0 ? 0 - (uint64_t)b->smin : (uint64_t)b->smin;

	if (b->smin != b->smax)
		return r;
	r.smin = MIN(a->smin, 0);
	r.smax = MAX(a->smax, 0);
	if (!d) {
		r.smin = a->smin;
		r.smax = a->smax;
		return r;
	}
	top = d - 1;
	if (a->smin >= 0 && (uint64_t)a->smax <= top)
		r.smin = a->smin;
	if (a->smax <= 0 && 0 - (uint64_t)a->smin <= top)
		r.smax = a->smax;
	if (top <= (uint64_t)most(bits)) {
		r.smin = MAX(r.smin, -(int64_t)top);
		r.smax = MIN(r.smax, (int64_t)top);
	}
	return r;
}

/* ---- arithmetic on scalars ---- */

static void scalar_shift(enum bpfi_op op, bool wide, struct scalar *d, unsigned n)
{
	struct tnum low = tnum_low(d->bits, HALF);
	struct ival h = d->h;

	switch (op) {
	case BPFI_LSH:
		d->h = ival_lsh(&h, n, HALF);
		d->w = ival_lsh(&d->w, n, WORD);
		if (wide && n == HALF)	/* first half of a sign extension by two shifts */
			d->w.smin = sext_bits((uint64_t)h.smin << HALF, WORD),
			d->w.smax = sext_bits((uint64_t)h.smax << HALF, WORD);
		d->bits = tnum_low(tnum_lsh(d->bits, n), WORD);
		break;
	case BPFI_RSH:
		d->h = wide ? ival_all(HALF) : ival_rsh(&h, n, HALF);
		d->w = ival_rsh(&d->w, n, WORD);
		d->bits = tnum_rsh(wide ? d->bits : low, n);
		break;
	default:	/* ARSH */
		d->h = wide ? ival_all(HALF) : ival_arsh(&h, n, HALF);
		d->w = ival_arsh(&d->w, n, WORD);
		low = tnum_sext(wide ? d->bits : low, wide ? WORD : HALF);
		low = tnum_make((uint64_t)((int64_t)low.value >> n),
				(uint64_t)((int64_t)low.mask >> n));
		d->bits = tnum_low(low, wide ? WORD : HALF);
		break;
	}
}

static void scalar_divide(enum bpfi_op op, bool wide, bool is_signed, struct scalar *d,
			  const struct scalar *s)
{
	struct ival *i = wide ? &d->w : &d->h;
	const struct ival *by = wide ? &s->w : &s->h;
	unsigned bits = wide ? WORD : HALF;

	if (is_signed)
		*i = op == BPFI_DIV ? ival_sdiv(i, by, bits) : ival_smod(i, by, bits);
	else
		*i = op == BPFI_DIV ? ival_div(i, by, bits) : ival_mod(i, by, bits);
	d->bits = tnum_low(tnum_unknown(), WORD);
	if (wide)
		d->h = ival_all(HALF);
}

void scalar_alu(enum bpfi_op op, bool wide, bool is_signed, struct scalar *d,
		const struct scalar *s)
{
	struct scalar zero = scalar_const(0), a = *d;
	uint64_t n;

	switch (op) {
	case BPFI_NEG:
		d->w = ival_sub(&zero.w, &a.w, WORD);
		d->h = ival_sub(&zero.h, &a.h, HALF);
		d->bits = tnum_sub(zero.bits, a.bits);
		break;
	case BPFI_ADD:
		d->w = ival_add(&a.w, &s->w, WORD);
		d->h = ival_add(&a.h, &s->h, HALF);
		d->bits = tnum_add(a.bits, s->bits);
		break;
	case BPFI_SUB:
		d->w = ival_sub(&a.w, &s->w, WORD);
		d->h = ival_sub(&a.h, &s->h, HALF);
		d->bits = tnum_sub(a.bits, s->bits);
		break;
	case BPFI_MUL:
		d->w = ival_mul(&a.w, &s->w, WORD);
		d->h = ival_mul(&a.h, &s->h, HALF);
		d->bits = tnum_mul(a.bits, s->bits);
		break;
	case BPFI_AND:
	case BPFI_OR:
	case BPFI_XOR:
		d->bits = op == BPFI_AND ? tnum_and(a.bits, s->bits)
			  : op == BPFI_OR ? tnum_or(a.bits, s->bits) : tnum_xor(a.bits, s->bits);
		d->w = ival_bitwise(op, &a.w, &s->w, d->bits, WORD);
		d->h = ival_bitwise(op, &a.h, &s->h, d->bits, HALF);
		break;
	case BPFI_LSH:
	case BPFI_RSH:
	case BPFI_ARSH:
		if (!scalar_known(s, wide, &n) || n >= (wide ? WORD : HALF)) {
			*d = scalar_unknown();
			return;
		}
		scalar_shift(op, wide, d, (unsigned)n);
		break;
	case BPFI_DIV:
	case BPFI_MOD:
		scalar_divide(op, wide, is_signed, d, s);
		break;
	default:
		*d = scalar_unknown();
		return;
	}
	d->bits = tnum_low(d->bits, WORD);
	if (wide)
		scalar_sync(d);
	else
		scalar_zext(d, HALF);
}
