// SPDX-License-Identifier: MIT
// The domain at 64 bits with random operands: an element is made around a number it holds, so
// the outcome for those numbers must be held by the result.  BPFTIME_TORTURE=1: 10^7 a kind.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "domain.h"

using namespace domain;

namespace {

std::mt19937_64 rnd(7);

uint64_t rounds() { return getenv("BPFTIME_TORTURE") ? 10000000 : 200000; }

// Numbers near the edges of bytes, halves and words are where mistakes are.
uint64_t number()
{
	uint64_t v = rnd() >> (rnd() % 64);
	switch (rnd() % 4) {
	case 0: return v;
	case 1: return 0 - v;
	case 2: return (1ull << (rnd() % 64)) + (rnd() % 5) - 2;
	default: return rnd();
	}
}

scalar around(uint64_t v)
{
	if (rnd() % 8 == 0)
		return scalar_const(v);
	scalar s = scalar_unknown();
	uint64_t a = number(), h = (uint32_t)number();
	int64_t sa = (int64_t)number();
	if (rnd() & 1)
		s.bits = tnum_make(v, rnd() & (rnd() & 1 ? rnd() : ~0ull));
	if (rnd() & 1)
		s.w.umin = std::min(a, v), s.w.umax = std::max(number(), v);
	if (rnd() & 1)
		s.w.smin = std::min(sa, (int64_t)v), s.w.smax = std::max((int64_t)number(), (int64_t)v);
	if (rnd() & 1)
		s.h.umin = std::min<uint64_t>(h, (uint32_t)v), s.h.umax = std::max<uint64_t>((uint32_t)number(), (uint32_t)v);
	if (rnd() & 1)
		s.h.smin = std::min<int64_t>((int32_t)number(), (int32_t)v), s.h.smax = std::max<int64_t>((int32_t)number(), (int32_t)v);
	EXPECT_TRUE(scalar_sync(&s));
	EXPECT_TRUE(scalar_holds(&s, v)) << v;
	return s;
}

}

TEST(RangeRandom, ArithmeticHoldsTheOutcome)
{
	for (uint64_t n = rounds(); n--;) {
		uint64_t x = number(), y = number();
		const named &o = alu_ops[rnd() % (sizeof(alu_ops) / sizeof(alu_ops[0]))];
		bool wide = rnd() & 1;
		unsigned bits = wide ? 64 : 32;
		if (shifts(o.op))
			y %= bits;
		scalar a = around(x), b = shifts(o.op) ? scalar_const(y) : around(y);
		scalar_alu(o.op, wide, o.is_signed, &a, &b);
		ASSERT_TRUE(scalar_holds(&a, alu(o.op, bits, o.is_signed, x, y))) << o.name << bits << " " << x << " " << y;
	}
}

TEST(RangeRandom, ExtensionHoldsTheOutcome)
{
	static const unsigned sizes[] = {8, 16, 32};
	for (uint64_t n = rounds(); n--;) {
		uint64_t x = number();
		unsigned bits = sizes[rnd() % 3];
		scalar z = around(x), s = z, h = z;
		scalar_zext(&z, bits);
		ASSERT_TRUE(scalar_holds(&z, cut(x, bits))) << bits << " " << x;
		scalar_sext(&s, bits, true);
		ASSERT_TRUE(scalar_holds(&s, (uint64_t)sgn(x, bits))) << bits << " " << x;
		if (bits == 32)
			continue;
		scalar_sext(&h, bits, false);
		ASSERT_TRUE(scalar_holds(&h, cut((uint64_t)sgn(x, bits), 32))) << bits << " " << x;
	}
}

TEST(RangeRandom, JumpsKeepWhatHappens)
{
	for (uint64_t n = rounds(); n--;) {
		uint64_t x = number(), y = rnd() % 4 ? number() : x;
		const named &o = jump_ops[rnd() % (sizeof(jump_ops) / sizeof(jump_ops[0]))];
		bool wide = rnd() & 1, t = jump(o.op, wide ? 64 : 32, x, y);
		scalar a = around(x), b = around(y);
		int taken = scalar_decide(o.op, wide, &a, &b);
		ASSERT_TRUE(taken < 0 || taken == (int)t) << o.name << " " << x << " " << y;
		ASSERT_TRUE(scalar_assume(o.op, wide, t, &a, &b)) << o.name << " " << x << " " << y;
		ASSERT_TRUE(scalar_holds(&a, x) && scalar_holds(&b, y)) << o.name << " " << x << " " << y;
	}
}
