/* SPDX-License-Identifier: MIT */
#include "range_priv.h"

/* The unsigned and the signed view describe the same numbers.  Among the numbers
 * with and those without the sign bit both orders agree, so intersect the two kinds
 * apart and take the hull of what is left. */
static void ival_sync(struct ival *i, unsigned bits)
{
	uint64_t sign = 1ull << (bits - 1), m = low_mask(bits);
	uint64_t nlo = MAX(i->umin, MAX((uint64_t)i->smin & m, sign));
	uint64_t nhi = MIN(i->umax, i->smax < 0 ? (uint64_t)i->smax & m : m);
	uint64_t plo = MAX(i->umin, i->smin < 0 ? 0 : (uint64_t)i->smin);
	uint64_t phi = MIN(i->umax, MIN((uint64_t)i->smax & m, sign - 1));
	bool neg, pos;

	if (ival_empty(i))
		return;
	if (i->smin >= 0)
		nlo = m, nhi = 0;
	if (i->smax < 0)
		plo = m, phi = 0;
	neg = nlo <= nhi;
	pos = plo <= phi;
	if (!neg && !pos) {
		*i = (struct ival){ 1, 0, 1, 0 };
		return;
	}
	i->umin = pos ? plo : nlo;
	i->umax = neg ? nhi : phi;
	i->smin = neg ? sext_bits(nlo, bits) : (int64_t)plo;
	i->smax = pos ? (int64_t)phi : sext_bits(nhi, bits);
}

/* ---- the views tighten each other ---- */

static void bits_to_ival(struct tnum t, struct ival *i, unsigned bits)
{
	uint64_t sign = 1ull << (bits - 1);

	t = tnum_low(t, bits);
	meet_u(i, t.value, t.value | t.mask);
	meet_s(i, sext_bits(t.value | (t.mask & sign), bits),
	       sext_bits(t.value | (t.mask & ~sign), bits));
}

/* A range lo..hi of words says something about lower halves when they do not go all
 * the way round: the upper halves are equal, or they step once and the lower half goes
 * through its -1 to 0. */
static void range_to_half(uint64_t lo, uint64_t hi, struct ival *h)
{
	uint64_t m = low_mask(HALF), up = ((hi >> HALF) - (lo >> HALF)) & low_mask(WORD - HALF);
	int64_t slo = sext_bits(lo, HALF), shi = sext_bits(hi, HALF);

	if (!up) {
		meet_u(h, lo & m, hi & m);
		if (slo <= shi)
			meet_s(h, slo, shi);
	} else if (up == 1 && slo < 0 && shi >= 0) {
		meet_s(h, slo, shi);
	}
}

/* The least word from v up, and the greatest from v down, whose lower half is within h. */
static uint64_t next_with_half(uint64_t v, const struct ival *h)
{
	uint64_t m = low_mask(HALF), lo = v & m;

	if (lo < h->umin)
		return (v & ~m) | h->umin;
	return lo > h->umax ? ((v & ~m) + m + 1) | h->umin : v;
}

static uint64_t last_with_half(uint64_t v, const struct ival *h)
{
	uint64_t m = low_mask(HALF), lo = v & m;

	if (lo > h->umax)
		return (v & ~m) | h->umax;
	return lo < h->umin ? ((v & ~m) - (m + 1)) | h->umax : v;
}

static void half_to_word(struct scalar *s)
{
	uint64_t wm = low_mask(WORD), v;
	int64_t sv;

	if (ival_empty(&s->h) || ival_empty(&s->w))
		return;
	v = next_with_half(s->w.umin, &s->h) & wm;
	if (v < s->w.umin)	/* went past the end */
		v = wm, s->w.umax = 0;
	s->w.umin = v;
	v = last_with_half(s->w.umax, &s->h) & wm;
	if (v > s->w.umax)
		v = 0, s->w.umin = wm;
	s->w.umax = v;
	sv = sext_bits(next_with_half((uint64_t)s->w.smin, &s->h), WORD);
	if (sv < s->w.smin)
		sv = most(WORD), s->w.smax = least(WORD);
	s->w.smin = sv;
	sv = sext_bits(last_with_half((uint64_t)s->w.smax, &s->h), WORD);
	if (sv > s->w.smax)
		sv = least(WORD), s->w.smin = most(WORD);
	s->w.smax = sv;
}

static void deduce(struct scalar *s)
{
	range_to_half(s->w.umin, s->w.umax, &s->h);
	range_to_half((uint64_t)s->w.smin & low_mask(WORD), (uint64_t)s->w.smax & low_mask(WORD),
		      &s->h);
	ival_sync(&s->h, HALF);
	ival_sync(&s->w, WORD);
	half_to_word(s);
}

/* The bits that all numbers of a range share.  False: they contradict known bits. */
static bool range_to_bits(struct scalar *s)
{
	struct tnum w = tnum_range(s->w.umin, s->w.umax), h = tnum_range(s->h.umin, s->h.umax);
	uint64_t m = low_mask(HALF);

	if (!tnum_overlap(s->bits, w))
		return false;
	s->bits = tnum_meet(s->bits, w);
	h = tnum_make(h.value & m, h.mask | ~m);	/* says nothing of the upper half */
	if (!tnum_overlap(s->bits, h))
		return false;
	s->bits = tnum_meet(s->bits, h);
	return true;
}

static bool scalar_empty(const struct scalar *s)
{
	return ival_empty(&s->w) || ival_empty(&s->h);
}

bool scalar_sync(struct scalar *s)
{
	bits_to_ival(s->bits, &s->w, WORD);
	bits_to_ival(s->bits, &s->h, HALF);
	for (int i = 0; i < 3; i++) {
		if (scalar_empty(s))
			return false;
		deduce(s);
	}
	if (scalar_empty(s) || !range_to_bits(s))
		return false;
	bits_to_ival(s->bits, &s->w, WORD);
	bits_to_ival(s->bits, &s->h, HALF);
	return !scalar_empty(s);
}

/* ---- making them ---- */

struct scalar scalar_unknown(void)
{
	return (struct scalar){ tnum_low(tnum_unknown(), WORD), ival_all(WORD), ival_all(HALF) };
}

struct scalar scalar_const(uint64_t v)
{
	v &= low_mask(WORD);
	return (struct scalar){ tnum_const(v), ival_const(v, WORD), ival_const(v, HALF) };
}

struct scalar scalar_of_size(unsigned bits, bool is_signed)
{
	struct scalar s = scalar_unknown();

	if (bits >= WORD)
		return s;
	if (is_signed) {
		meet_s(&s.w, least(bits), most(bits));
	} else {
		s.bits = tnum_low(s.bits, bits);
	}
	scalar_sync(&s);
	return s;
}

bool scalar_known(const struct scalar *s, bool wide, uint64_t *v)
{
	struct tnum t = wide ? s->bits : tnum_low(s->bits, HALF);

	*v = t.value;
	return tnum_is_const(t);
}

bool scalar_equal(const struct scalar *a, const struct scalar *b)
{
	return tnum_equal(a->bits, b->bits) && a->w.umin == b->w.umin && a->w.umax == b->w.umax &&
	       a->w.smin == b->w.smin && a->w.smax == b->w.smax && a->h.umin == b->h.umin &&
	       a->h.umax == b->h.umax && a->h.smin == b->h.smin && a->h.smax == b->h.smax;
}

static bool ival_covers(const struct ival *a, const struct ival *b)
{
	return a->umin <= b->umin && a->umax >= b->umax && a->smin <= b->smin &&
	       a->smax >= b->smax;
}

bool scalar_covers(const struct scalar *a, const struct scalar *b)
{
	return tnum_covers(a->bits, b->bits) && ival_covers(&a->w, &b->w) &&
	       ival_covers(&a->h, &b->h);
}

/* ---- extension ---- */

/* The word becomes its lower half with zeros above. */
static void half_is_word(struct scalar *s)
{
	s->bits = tnum_low(s->bits, HALF);
	s->w = (struct ival){ s->h.umin, s->h.umax, (int64_t)s->h.umin, (int64_t)s->h.umax };
	scalar_sync(s);
}

void scalar_zext(struct scalar *s, unsigned bits)
{
	uint64_t m;

	if (bits >= WORD)
		return;
	if (bits == HALF) {
		half_is_word(s);
		return;
	}
	m = low_mask(bits);
	s->bits = tnum_low(s->bits, bits);
	if ((s->w.umin ^ s->w.umax) & ~m)
		s->w.umin = 0, s->w.umax = m;
	else
		s->w.umin &= m, s->w.umax &= m;
	s->w.smin = (int64_t)s->w.umin;
	s->w.smax = (int64_t)s->w.umax;
	s->h = ival_all(HALF);
	if (bits > HALF)
		s->w.smin = least(WORD), s->w.smax = most(WORD);
	scalar_sync(s);
}

void scalar_sext(struct scalar *s, unsigned bits, bool wide)
{
	const struct ival *from = wide ? &s->w : &s->h;
	int64_t lo = sext_bits((uint64_t)from->smin, bits);
	int64_t hi = sext_bits((uint64_t)from->smax, bits);
	struct scalar out = scalar_unknown();

	if (bits >= (wide ? WORD : HALF))
		return;
	if (scalar_is_const(s)) {
		uint64_t v = (uint64_t)sext_bits(s->bits.value, bits);

		*s = scalar_const(wide ? v : v & low_mask(HALF));
		return;
	}
	/* Ordered numbers stay so when everything above the new sign bit is the same. */
	if ((from->smin >> bits) != (from->smax >> bits) || lo > hi)
		lo = least(bits), hi = most(bits);
	if (wide) {
		meet_s(&out.w, lo, hi);
	} else {
		meet_s(&out.h, lo, hi);
		ival_sync(&out.h, HALF);
		out.bits = tnum_low(out.bits, HALF);
		out.w = (struct ival){ out.h.umin, out.h.umax, (int64_t)out.h.umin,
				       (int64_t)out.h.umax };
	}
	*s = out;
	scalar_sync(s);
}
