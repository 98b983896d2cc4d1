// SPDX-License-Identifier: MIT
// The abstract domain built for words of 6 bits, in full: every tnum, every unsigned and every
// signed range of words and of halves, in pairs, for every operation and every jump.
//
// A set of 6-bit numbers is one 64-bit word, so what an operation can produce from two sets, and
// what a scalar holds, are compared as words: the first must be within the second.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <vector>

#include "domain.h"

namespace domain {
void PrintTo(const named &o, std::ostream *out) { *out << o.name; }
}
using namespace domain;

static_assert(WORD == 6 && HALF == 3);

namespace {

typedef uint64_t set;		// bit x: x is in it
const uint64_t N = 1ull << WORD, H = 1ull << HALF;
const set ALL = ~0ull;

// Ranges and tnums as sets, by their bounds.
struct sets {
	set u[N][N], s[N][N], bits[N][N], hu[H][H], hs[H][H];
	sets()
	{
		for (uint64_t a = 0; a < N; a++)
			for (uint64_t b = 0; b < N; b++) {
				u[a][b] = make([&](uint64_t x) { return x >= a && x <= b; });
				s[a][b] = make([&](uint64_t x) { return sgn(x, WORD) >= (int64_t)a - 32 && sgn(x, WORD) <= (int64_t)b - 32; });
				bits[a][b] = make([&](uint64_t x) { return !((x ^ a) & ~b & (N - 1)); });
				if (a >= H || b >= H)
					continue;
				hu[a][b] = make([&](uint64_t x) { return cut(x, HALF) >= a && cut(x, HALF) <= b; });
				hs[a][b] = make([&](uint64_t x) { return sgn(x, HALF) >= (int64_t)a - 4 && sgn(x, HALF) <= (int64_t)b - 4; });
			}
	}
	template <class F> static set make(F holds)
	{
		set m = 0;
		for (uint64_t x = 0; x < N; x++)
			m |= (set)holds(x) << x;
		return m;
	}
};
const sets tables;

// What a scalar holds.
set held(const scalar &s)
{
	if (s.w.umin > s.w.umax || s.w.smin > s.w.smax || s.h.umin > s.h.umax || s.h.smin > s.h.smax)
		return 0;
	return tables.u[s.w.umin][s.w.umax] & tables.s[s.w.smin + 32][s.w.smax + 32] &
	       tables.bits[s.bits.value & (N - 1)][s.bits.mask & (N - 1)] & tables.hu[s.h.umin][s.h.umax] &
	       tables.hs[s.h.smin + 4][s.h.smax + 4];
}

struct element {
	scalar s;
	set    has;
};

void add(std::vector<element> &v, scalar s)
{
	set before = held(s);
	bool left = scalar_sync(&s);
	ASSERT_EQ(left ? held(s) : 0, before);	// sync loses nothing, and keeps nothing out
	if (left)
		v.push_back({s, before});
}

uint64_t order(const scalar &s)
{
	uint64_t k = s.bits.value << 58 ^ s.bits.mask << 52;
	return k ^ s.w.umin << 46 ^ s.w.umax << 40 ^ (uint64_t)(s.w.smin + 32) << 34 ^ (uint64_t)(s.w.smax + 32) << 28 ^
	       s.h.umin << 24 ^ s.h.umax << 20 ^ (uint64_t)(s.h.smin + 4) << 16 ^ (uint64_t)(s.h.smax + 4) << 12;
}

// All views at once.
scalar several(std::mt19937_64 &rnd)
{
	scalar s = scalar_unknown();
	uint64_t a = rnd() % N, b = rnd() % N, c = rnd() % N, d = rnd() % N;
	s.bits = tnum_make(rnd() & (N - 1), (rnd() | rnd()) & (N - 1));
	s.w = {std::min(a, b), std::max(a, b), (int64_t)std::min(c, d) - 32, (int64_t)std::max(c, d) - 32};
	if (rnd() & 1)
		s.h.umin = rnd() % 4, s.h.umax = 3 + rnd() % 5;
	if (rnd() & 1)
		s.h.smin = -(int64_t)(rnd() % 5), s.h.smax = (int64_t)(rnd() % 4);
	return s;
}

std::vector<element> elements()
{
	std::vector<element> v;
	std::mt19937_64 rnd(1);
	for (uint64_t a = 0; a < N; a++)
		for (uint64_t b = 0; b < N; b++) {
			scalar s = scalar_unknown();
			s.bits = tnum_make(a, b);
			if (!(a & b))
				add(v, s);
			s = scalar_unknown(), s.w.umin = a, s.w.umax = b;
			if (a <= b)
				add(v, s);
			s = scalar_unknown(), s.w.smin = (int64_t)a - 32, s.w.smax = (int64_t)b - 32;
			if (a <= b)
				add(v, s);
			s = scalar_unknown(), s.h.umin = a, s.h.umax = b;
			if (a <= b && b < H)
				add(v, s);
			s = scalar_unknown(), s.h.smin = (int64_t)a - 4, s.h.smax = (int64_t)b - 4;
			if (a <= b && b < H)
				add(v, s);
		}
	for (int i = 0; i < 500; i++)
		add(v, several(rnd));
	std::sort(v.begin(), v.end(), [](auto &a, auto &b) { return order(a.s) < order(b.s); });
	v.erase(std::unique(v.begin(), v.end(), [](auto &a, auto &b) { return scalar_equal(&a.s, &b.s); }), v.end());
	return v;
}

const std::vector<element> &all()
{
	static const std::vector<element> v = elements();
	return v;
}

template <class F> void each(set s, F f)
{
	for (; s; s &= s - 1)
		f((uint64_t)__builtin_ctzll(s));
}

// The suite takes one of eight for the second operand; all of them when asked for.
std::vector<element> second(unsigned which)
{
	std::vector<element> v;
	size_t step = getenv("BPFTIME_TORTURE") ? 1 : 8;
	for (size_t i = which % step; i < all().size(); i += step)
		v.push_back(all()[i]);
	return v;
}

// What the operation makes of two numbers.
struct outcomes {
	uint8_t of[N][N];
	outcomes(const named &o, unsigned bits)
	{
		for (uint64_t x = 0; x < N; x++)
			for (uint64_t y = 0; y < N; y++)
				of[x][y] = (uint8_t)alu(o.op, bits, o.is_signed, x, y);
	}
};

// For all pairs, the results are held.  Returns how many.
uint64_t check_alu(const named &o, bool wide)
{
	unsigned bits = wide ? WORD : HALF;
	const outcomes made(o, bits);
	uint64_t n = 0;
	for (auto &b : shifts(o.op) ? all() : second((unsigned)o.op / 16 + wide)) {
		set from[N] = {}, *f = from;	// by x: what it makes with the numbers of b
		uint64_t by;
		if (shifts(o.op) && (!scalar_known(&b.s, wide, &by) || by >= bits))
			continue;		// refused or masked: not the domain's business
		for (uint64_t x = 0; x < N; x++)
			each(b.has, [&](uint64_t y) { f[x] |= 1ull << made.of[x][y]; });
		for (auto &a : all()) {
			scalar r = a.s;
			set results = 0;
			each(a.has, [&](uint64_t x) { results |= f[x]; });
			scalar_alu(o.op, wide, o.is_signed, &r, &b.s);
			if (results & ~held(r)) {
				ADD_FAILURE() << o.name << bits << " loses " << __builtin_ctzll(results & ~held(r));
				return n;
			}
			n++;
		}
	}
	return n;
}

struct pairs_of_jump {
	set with[N], against[N];	// by x: the y for which the jump is, or is not, taken
	set by[N], by_not[N];		// by y: the x
	pairs_of_jump(const named &o, unsigned bits)
	{
		for (uint64_t x = 0; x < N; x++) {
			with[x] = sets::make([&](uint64_t y) { return jump(o.op, bits, x, y); });
			by[x] = sets::make([&](uint64_t y) { return jump(o.op, bits, y, x); });
			against[x] = ~with[x], by_not[x] = ~by[x];
		}
	}
	// The numbers that some number of `other` goes with.
	static set some(const set (&rows)[N], set other)
	{
		return sets::make([&](uint64_t x) { return (rows[x] & other) != 0; });
	}
};

uint64_t check_jump(const named &o, bool wide)
{
	unsigned bits = wide ? WORD : HALF;
	const pairs_of_jump p(o, bits);
	std::vector<set> y_taken, y_not;	// by the number of a
	uint64_t n = 0;
	for (auto &a : all()) {
		y_taken.push_back(pairs_of_jump::some(p.by, a.has));
		y_not.push_back(pairs_of_jump::some(p.by_not, a.has));
	}
	for (auto &b : second((unsigned)o.op / 16 + wide)) {
		set x_taken = pairs_of_jump::some(p.with, b.has), x_not = pairs_of_jump::some(p.against, b.has);
		for (size_t i = 0; i < all().size(); i++) {
			auto &a = all()[i];
			int taken = scalar_decide(o.op, wide, &a.s, &b.s);
			set x[2] = {a.has & x_not, a.has & x_taken}, y[2] = {b.has & y_not[i], b.has & y_taken[i]};
			bool fine = taken < 0 || !x[!taken];
			for (int t = 0; t < 2 && fine; t++) {
				scalar ra = a.s, rb = b.s;
				fine = scalar_assume(o.op, wide, t, &ra, &rb)
					? !(x[t] & ~held(ra)) && !(y[t] & ~held(rb)) : !x[t];
			}
			if (!fine) {
				ADD_FAILURE() << o.name << bits << " is wrong about " << std::hex << a.has << " and " << b.has;
				return n;
			}
			n++;
		}
	}
	return n;
}

class Operation : public testing::TestWithParam<named> {};
class Jump : public testing::TestWithParam<named> {};

}

TEST(RangeFull, ViewsTightenEachOther)
{
	std::mt19937_64 rnd(2);
	std::vector<element> v;
	for (int i = 0; i < 3000000 && !HasFailure(); i++, v.clear())
		add(v, several(rnd));
}

TEST(RangeFull, Extension)
{
	std::mt19937_64 rnd(3);
	std::vector<element> v = all();
	for (int i = 0; i < 100000; i++)
		add(v, several(rnd));
	auto image = [](set of, auto to) {
		set r = 0;
		each(of, [&](uint64_t x) { r |= 1ull << to(x); });
		return r;
	};
	for (auto &e : v)
		for (unsigned bits = 1; bits < WORD; bits++) {
			scalar z = e.s, s = e.s, h = e.s;
			scalar_zext(&z, bits);
			ASSERT_FALSE(image(e.has, [&](uint64_t x) { return cut(x, bits); }) & ~held(z));
			scalar_sext(&s, bits, true);
			ASSERT_FALSE(image(e.has, [&](uint64_t x) { return cut((uint64_t)sgn(x, bits), WORD); }) & ~held(s));
			if (bits >= HALF)
				continue;
			scalar_sext(&h, bits, false);
			ASSERT_FALSE(image(e.has, [&](uint64_t x) { return cut((uint64_t)sgn(x, bits), HALF); }) & ~held(h));
		}
}

TEST(RangeFull, ANumberComparedWithItself)
{
	for (auto &e : all())
		for (auto &o : jump_ops)
			for (bool wide : {false, true}) {
				int taken = scalar_decide_self(o.op, wide, &e.s);
				each(e.has, [&](uint64_t x) {
					EXPECT_TRUE(taken < 0 || taken == (int)jump(o.op, wide ? WORD : HALF, x, x)) << o.name << " " << x;
				});
			}
}

TEST_P(Operation, OfAllPairsHoldsEveryResult)
{
	uint64_t n = check_alu(GetParam(), true) + check_alu(GetParam(), false);
	printf("%llu pairs of %zu\n", (unsigned long long)n, all().size());
}

TEST_P(Jump, OfAllPairsKeepsWhatCanBe)
{
	uint64_t n = check_jump(GetParam(), true) + check_jump(GetParam(), false);
	printf("%llu pairs of %zu\n", (unsigned long long)n, all().size());
}

static std::string name_of(const testing::TestParamInfo<named> &i) { return i.param.name; }
INSTANTIATE_TEST_SUITE_P(RangeFull, Operation, testing::ValuesIn(alu_ops), name_of);
INSTANTIATE_TEST_SUITE_P(RangeFull, Jump, testing::ValuesIn(jump_ops), name_of);
