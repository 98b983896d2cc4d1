/* SPDX-License-Identifier: MIT
 *
 * tnum.h - numbers of which some bits are known ("tristate numbers").
 *
 *     bit of mask  bit of value  the bit is
 *         0             0        0
 *         0             1        1
 *         1             0        not known        (value & mask is always 0)
 *
 * Every operation is sound: the result holds op(x, y) for all x in a and y in b.
 * Source: Vishwanathan, Shachnai, Narayana, Nagarakatte: "Sound, Precise, and Fast
 * Abstract Interpretation with Tristate Numbers", CGO 2022; multiplication is long
 * multiplication with a join for each unknown bit. */
#ifndef BPFTIME_VERIFY_TNUM_H
#define BPFTIME_VERIFY_TNUM_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tnum {
	uint64_t value, mask;
};

static inline struct tnum tnum_make(uint64_t value, uint64_t mask)
{
	struct tnum t = { value & ~mask, mask };
	return t;
}
static inline struct tnum tnum_const(uint64_t v) { return tnum_make(v, 0); }
static inline struct tnum tnum_unknown(void) { return tnum_make(0, ~0ull); }
static inline bool tnum_is_const(struct tnum t) { return !t.mask; }
static inline bool tnum_equal(struct tnum a, struct tnum b)
{
	return a.value == b.value && a.mask == b.mask;
}
static inline bool tnum_holds(struct tnum t, uint64_t v) { return !((v ^ t.value) & ~t.mask); }

/* Is every number of b one of a? */
static inline bool tnum_covers(struct tnum a, struct tnum b)
{
	return !(b.mask & ~a.mask) && tnum_holds(a, b.value);
}

/* Is there a number that both hold? */
static inline bool tnum_overlap(struct tnum a, struct tnum b)
{
	return !((a.value ^ b.value) & ~a.mask & ~b.mask);
}

/* The numbers that both hold; a known bit of either is known.  They must overlap. */
static inline struct tnum tnum_meet(struct tnum a, struct tnum b)
{
	return tnum_make(a.value | b.value, a.mask & b.mask);
}

/* The least tnum that holds all of both. */
static inline struct tnum tnum_join(struct tnum a, struct tnum b)
{
	return tnum_make(a.value, a.mask | b.mask | (a.value ^ b.value));
}

/* The least tnum that holds lo..hi: what is above their highest differing bit is known. */
static inline struct tnum tnum_range(uint64_t lo, uint64_t hi)
{
	uint64_t diff = lo ^ hi;

	return tnum_make(lo, diff ? ~0ull >> __builtin_clzll(diff) : 0);
}

/* A carry into a bit is known where the sums without and with all unknown bits agree. */
static inline struct tnum tnum_add(struct tnum a, struct tnum b)
{
	uint64_t least = a.value + b.value;
	uint64_t most = least + (a.mask + b.mask);

	return tnum_make(least, (least ^ most) | a.mask | b.mask);
}

static inline struct tnum tnum_sub(struct tnum a, struct tnum b)
{
	uint64_t mid = a.value - b.value;

	return tnum_make(mid, ((mid + a.mask) ^ (mid - b.mask)) | a.mask | b.mask);
}

static inline struct tnum tnum_and(struct tnum a, struct tnum b)
{
	uint64_t ones = a.value & b.value;

	return tnum_make(ones, (a.value | a.mask) & (b.value | b.mask) & ~ones);
}

static inline struct tnum tnum_or(struct tnum a, struct tnum b)
{
	uint64_t ones = a.value | b.value;

	return tnum_make(ones, (a.mask | b.mask) & ~ones);
}

static inline struct tnum tnum_xor(struct tnum a, struct tnum b)
{
	return tnum_make(a.value ^ b.value, a.mask | b.mask);
}

static inline struct tnum tnum_lsh(struct tnum a, unsigned n)
{
	return tnum_make(a.value << n, a.mask << n);
}

static inline struct tnum tnum_rsh(struct tnum a, unsigned n)
{
	return tnum_make(a.value >> n, a.mask >> n);
}

/* Bits [0, bits) of a; the others are known to be 0. */
static inline struct tnum tnum_low(struct tnum a, unsigned bits)
{
	uint64_t keep = bits < 64 ? (1ull << bits) - 1 : ~0ull;

	return tnum_make(a.value & keep, a.mask & keep);
}

/* Bit bits-1 of a, known or not, copied to all bits above it. */
static inline struct tnum tnum_sext(struct tnum a, unsigned bits)
{
	unsigned up = 64 - bits;

	return tnum_make((uint64_t)((int64_t)(a.value << up) >> up),
			 (uint64_t)((int64_t)(a.mask << up) >> up));
}

/* The low `bits` bits, 16, 32 or 64, with their bytes in the other order; the others are known to be 0. */
static inline struct tnum tnum_swap(struct tnum a, unsigned bits)
{
	return tnum_make(__builtin_bswap64(a.value) >> (64 - bits), __builtin_bswap64(a.mask) >> (64 - bits));
}

struct tnum tnum_mul(struct tnum a, struct tnum b);

#ifdef __cplusplus
}
#endif
#endif
