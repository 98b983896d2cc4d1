/* SPDX-License-Identifier: MIT
 *
 * range_priv.h - intervals of `bits` bits, shared by range*.c. */
#ifndef BPFTIME_VERIFY_RANGE_PRIV_H
#define BPFTIME_VERIFY_RANGE_PRIV_H

#include "range.h"

#define MIN(a_, b_) ((a_) < (b_) ? (a_) : (b_))
#define MAX(a_, b_) ((a_) > (b_) ? (a_) : (b_))

static inline int64_t least(unsigned bits) { return -(int64_t)(low_mask(bits) / 2) - 1; }
static inline int64_t most(unsigned bits) { return (int64_t)(low_mask(bits) / 2); }

static inline struct ival ival_all(unsigned bits)
{
	return (struct ival){ 0, low_mask(bits), least(bits), most(bits) };
}

static inline struct ival ival_const(uint64_t v, unsigned bits)
{
	int64_t s = sext_bits(v, bits);

	v &= low_mask(bits);
	return (struct ival){ v, v, s, s };
}

static inline bool ival_empty(const struct ival *i) { return i->umin > i->umax || i->smin > i->smax; }

static inline void meet_u(struct ival *i, uint64_t lo, uint64_t hi)
{
	i->umin = MAX(i->umin, lo);
	i->umax = MIN(i->umax, hi);
}

static inline void meet_s(struct ival *i, int64_t lo, int64_t hi)
{
	i->smin = MAX(i->smin, lo);
	i->smax = MIN(i->smax, hi);
}

static inline void meet(struct ival *i, const struct ival *with)
{
	meet_u(i, with->umin, with->umax);
	meet_s(i, with->smin, with->smax);
}

#endif
