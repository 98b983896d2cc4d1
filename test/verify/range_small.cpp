// SPDX-License-Identifier: MIT
// The abstract domain built for words of a few bits (SCALAR_BITS), compared with brute
// force: whatever two numbers the operands hold, the result holds the outcome.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "domain.h"

using namespace domain;

namespace {

const uint64_t N = 1ull << WORD;

struct element {
	scalar s;
	std::vector<uint64_t> members;
};

bool add(std::vector<element> &v, scalar s)
{
	element e = {s, {}};
	std::vector<uint64_t> before;
	for (uint64_t x = 0; x < N; x++)
		if (scalar_holds(&s, x))
			before.push_back(x);
	bool left = scalar_sync(&e.s);
	for (uint64_t x = 0; x < N; x++)
		if (left && scalar_holds(&e.s, x))
			e.members.push_back(x);
	EXPECT_EQ(before, e.members);	// sync loses nothing, and keeps nothing out
	if (left)
		v.push_back(e);
	return left;
}

// Every tnum, every unsigned and every signed range of words; ranges of halves; and meets
// of all these at random.
std::vector<element> elements(unsigned n_random, unsigned seed)
{
	std::vector<element> v;
	std::mt19937_64 rnd(seed);
	int64_t top = (int64_t)N / 2 - 1, half = 1ll << HALF;
	for (uint64_t mask = 0; mask < N; mask++)
		for (uint64_t value = 0; value < N; value++)
			if (!(mask & value)) {
				scalar s = scalar_unknown();
				s.bits = tnum_make(value, mask);
				add(v, s);
			}
	for (uint64_t lo = 0; lo < N; lo++)
		for (uint64_t hi = lo; hi < N; hi++) {
			scalar s = scalar_unknown();
			s.w.umin = lo, s.w.umax = hi;
			add(v, s);
			s = scalar_unknown();
			s.w.smin = (int64_t)lo - top - 1, s.w.smax = (int64_t)hi - top - 1;
			add(v, s);
		}
	for (int64_t lo = 0; lo < half; lo++)
		for (int64_t hi = lo; hi < half; hi++) {
			scalar s = scalar_unknown();
			s.h.umin = (uint64_t)lo, s.h.umax = (uint64_t)hi;
			add(v, s);
			s = scalar_unknown();
			s.h.smin = lo - half / 2, s.h.smax = hi - half / 2;
			add(v, s);
		}
	for (unsigned i = 0; i < n_random;) {
		scalar s = scalar_unknown();
		uint64_t mask = rnd() & rnd() & (N - 1), a = rnd() % N, b = rnd() % N;
		int64_t c = (int64_t)(rnd() % N) - top - 1, d = (int64_t)(rnd() % N) - top - 1;
		s.bits = tnum_make(rnd() & (N - 1), ~mask & (N - 1));
		s.w = {std::min(a, b), std::max(a, b), std::min(c, d), std::max(c, d)};
		a = rnd() % half, b = rnd() % half;
		if (rnd() & 1)
			s.h.umin = std::min(a, b), s.h.umax = std::max(a, b);
		c = (int64_t)(rnd() % half) - half / 2, d = (int64_t)(rnd() % half) - half / 2;
		if (rnd() & 1)
			s.h.smin = std::min(c, d), s.h.smax = std::max(c, d);
		i += add(v, s);
	}
	return v;
}

// Words of 4 bits in full; of 6 bits some pairs (range_full.cpp has all, in another way).
unsigned part() { return WORD <= 4 ? 1 : 997; }

}

TEST(RangeSmall, ArithmeticHoldsEveryOutcome)
{
	auto v = elements(WORD <= 4 ? 150 : 3000, 1);
	uint64_t at = 0;
	for (auto &a : v)
		for (auto &b : v) {
			if (at++ % part())
				continue;
			for (auto &o : alu_ops)
				for (bool wide : {false, true}) {
					unsigned bits = wide ? WORD : HALF;
					scalar r = a.s;
					if (shifts(o.op) && (!scalar_is_const(&b.s) || b.members[0] >= bits))
						continue;	// refused or masked: not the domain's business
					scalar_alu(o.op, wide, o.is_signed, &r, &b.s);
					for (uint64_t x : a.members)
						for (uint64_t y : b.members)
							ASSERT_TRUE(scalar_holds(&r, alu(o.op, bits, o.is_signed, x, y)))
								<< o.name << bits << " " << x << " " << y;
				}
		}
}

TEST(RangeSmall, ExtensionHoldsEveryOutcome)
{
	for (auto &a : elements(3000, 2))
		for (unsigned bits = 1; bits < WORD; bits++) {
			scalar z = a.s, s = a.s, h = a.s;
			scalar_zext(&z, bits);
			scalar_sext(&s, bits, true);
			if (bits < HALF)
				scalar_sext(&h, bits, false);
			for (uint64_t x : a.members) {
				ASSERT_TRUE(scalar_holds(&z, cut(x, bits))) << bits << " " << x;
				ASSERT_TRUE(scalar_holds(&s, cut((uint64_t)sgn(x, bits), WORD))) << bits << " " << x;
				if (bits < HALF) {
					ASSERT_TRUE(scalar_holds(&h, cut((uint64_t)sgn(x, bits), HALF))) << bits << " " << x;
				}
			}
		}
}

TEST(RangeSmall, JumpsKeepWhatCanHappen)
{
	auto v = elements(WORD <= 4 ? 150 : 3000, 3);
	uint64_t at = 0;
	for (auto &a : v)
		for (auto &b : v) {
			if (at++ % part())
				continue;
			for (auto &o : jump_ops)
				for (bool wide : {false, true}) {
					unsigned bits = wide ? WORD : HALF;
					int taken = scalar_decide(o.op, wide, &a.s, &b.s);
					scalar ra[2] = {a.s, a.s}, rb[2] = {b.s, b.s};
					bool can[2];
					for (int t = 0; t < 2; t++)
						can[t] = scalar_assume(o.op, wide, t, &ra[t], &rb[t]);
					for (uint64_t x : a.members)
						for (uint64_t y : b.members) {
							bool t = jump(o.op, bits, x, y);
							ASSERT_TRUE(taken < 0 || taken == (int)t) << o.name << bits << " " << x << " " << y;
							ASSERT_TRUE(can[t] && scalar_holds(&ra[t], x) && scalar_holds(&rb[t], y))
								<< o.name << bits << " " << x << " " << y;
						}
				}
		}
}

TEST(RangeSmall, CoversIsInclusion)
{
	auto v = elements(300, 4);
	std::mt19937 rnd(5);
	unsigned seen = 0;
	for (int i = 0; i < 200000; i++) {
		auto &a = v[rnd() % v.size()], &b = v[rnd() % v.size()];
		if (!scalar_covers(&a.s, &b.s))
			continue;
		seen++;
		for (uint64_t x : b.members)
			ASSERT_TRUE(scalar_holds(&a.s, x));
	}
	EXPECT_GT(seen, 1000u);
}
