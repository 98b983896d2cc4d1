/* SPDX-License-Identifier: MIT
 *
 * range.h - what is known about a number: the abstract domain of scalars.
 *
 * A scalar is known by five views that tighten each other: single bits (tnum.h), and for
 * the whole word and for its lower half an unsigned and a signed range.  Signed bounds of
 * a half are kept sign-extended.  Every operation is sound: the result holds every value
 * that the instruction can produce from values the operands hold.
 *
 * range.c is written for words of SCALAR_BITS bits, 64 in the verifier; the tests
 * build it a second time with small words and compare with brute force. */
#ifndef BPFTIME_VERIFY_RANGE_H
#define BPFTIME_VERIFY_RANGE_H

#include "isa.h"
#include "tnum.h"

#ifndef SCALAR_BITS
#define SCALAR_BITS 64
#endif

#ifdef __cplusplus
extern "C" {
#endif

enum { WORD = SCALAR_BITS, HALF = SCALAR_BITS / 2 };

struct ival {
	uint64_t umin, umax;
	int64_t  smin, smax;
};

struct scalar {
	struct tnum bits;
	struct ival w;		/* the word */
	struct ival h;		/* its lower half */
};

static inline uint64_t low_mask(unsigned bits) { return ~0ull >> (64 - bits); }
static inline int64_t sext_bits(uint64_t v, unsigned bits)
{
	return (int64_t)(v << (64 - bits)) >> (64 - bits);
}

struct scalar scalar_unknown(void);
struct scalar scalar_const(uint64_t v);
/* Any value of `bits` bits, extended to a word with zeros or with its sign. */
struct scalar scalar_of_size(unsigned bits, bool is_signed);

static inline bool scalar_is_const(const struct scalar *s) { return tnum_is_const(s->bits); }
static inline bool scalar_is(const struct scalar *s, uint64_t v)
{
	return tnum_is_const(s->bits) && s->bits.value == v;
}
/* Is the value, or its lower half, one number? */
bool scalar_known(const struct scalar *s, bool wide, uint64_t *v);

/* Lets the views tighten each other.  False: no value is left. */
bool scalar_sync(struct scalar *s);

/* *d = *d op *s for an ALU op of isa.def other than MOV and END; NEG ignores s.
 * wide: on words, else on halves with the upper half cleared.  is_signed: sdiv, smod. */
void scalar_alu(enum bpfi_op op, bool wide, bool is_signed, struct scalar *d,
		const struct scalar *s);
/* Keep the low `bits` bits, with zeros or copies of bit bits-1 above them; the sign goes
 * up to the top of the word, or of the half and then zeros (wide or not). */
void scalar_zext(struct scalar *s, unsigned bits);
void scalar_sext(struct scalar *s, unsigned bits, bool wide);

/* Does `a op b` hold for a conditional jump op?  1 always, 0 never, -1 not known. */
int scalar_decide(enum bpfi_op op, bool wide, const struct scalar *a, const struct scalar *b);
/* The same for a number and itself. */
int scalar_decide_self(enum bpfi_op op, bool wide, const struct scalar *s);
/* Narrows a and b to values for which `a op b` is (or with holds == false: is not) true.
 * False: there are none. */
bool scalar_assume(enum bpfi_op op, bool wide, bool holds, struct scalar *a, struct scalar *b);

/* Does `a` hold every value that b does? */
bool scalar_covers(const struct scalar *a, const struct scalar *b);
bool scalar_equal(const struct scalar *a, const struct scalar *b);
/* The word is v */
static inline bool scalar_holds(const struct scalar *s, uint64_t v)
{
	int64_t x = sext_bits(v, WORD), y = sext_bits(v, HALF);
	uint64_t lo = v & low_mask(HALF);

	return tnum_holds(s->bits, v) && v >= s->w.umin && v <= s->w.umax && x >= s->w.smin &&
	       x <= s->w.smax && lo >= s->h.umin && lo <= s->h.umax && y >= s->h.smin &&
	       y <= s->h.smax;
}

#ifdef __cplusplus
}
#endif
#endif
