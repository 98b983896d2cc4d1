// SPDX-License-Identifier: MIT
// Every operation on tnums of 6 bits, for all operands and all the numbers that they hold.
#include <gtest/gtest.h>

#include <vector>

#include "tnum.h"

namespace {

const uint64_t N = 64;

std::vector<tnum> all()
{
	std::vector<tnum> v;
	for (uint64_t mask = 0; mask < N; mask++)
		for (uint64_t value = 0; value < N; value++)
			if (!(mask & value))
				v.push_back(tnum_make(value, mask));
	return v;
}

template <class F> void each(tnum t, F f)
{
	for (uint64_t sub = t.mask;; sub = (sub - 1) & t.mask) {
		f(t.value | sub);
		if (!sub)
			break;
	}
}

struct binary { const char *name; tnum (*op)(tnum, tnum); uint64_t (*ref)(uint64_t, uint64_t); };
const binary binaries[] = {
	{"add", tnum_add, [](uint64_t a, uint64_t b) { return a + b; }},
	{"sub", tnum_sub, [](uint64_t a, uint64_t b) { return a - b; }},
	{"mul", tnum_mul, [](uint64_t a, uint64_t b) { return a * b; }},
	{"and", tnum_and, [](uint64_t a, uint64_t b) { return a & b; }},
	{"or", tnum_or, [](uint64_t a, uint64_t b) { return a | b; }},
	{"xor", tnum_xor, [](uint64_t a, uint64_t b) { return a ^ b; }},
};

}

TEST(Tnum, BinaryOperationsHoldEveryOutcome)
{
	for (auto a : all())
		for (auto b : all())
			for (auto &o : binaries) {
				tnum r = o.op(a, b);
				bool ok = true;
				each(a, [&](uint64_t x) { each(b, [&](uint64_t y) { ok &= tnum_holds(r, o.ref(x, y)); }); });
				ASSERT_TRUE(ok) << o.name << " " << a.value << "/" << a.mask << " " << b.value << "/" << b.mask;
			}
}

// Sums, differences and the bitwise operations are the least possible result.
TEST(Tnum, AllButProductsAreExact)
{
	for (auto a : all())
		for (auto b : all())
			for (auto &o : binaries) {
				uint64_t first = o.ref(a.value, b.value), differs = 0;
				if (o.op == tnum_mul)
					continue;
				each(a, [&](uint64_t x) { each(b, [&](uint64_t y) { differs |= o.ref(x, y) ^ first; }); });
				ASSERT_EQ(o.op(a, b).mask, differs) << o.name;
			}
}

TEST(Tnum, RelationsMeanWhatTheySay)
{
	for (auto a : all())
		for (auto b : all()) {
			bool overlap = false, covers = true;
			each(b, [&](uint64_t y) { overlap |= tnum_holds(a, y); covers &= tnum_holds(a, y); });
			ASSERT_EQ(tnum_overlap(a, b), overlap);
			ASSERT_EQ(tnum_covers(a, b), covers);
			tnum j = tnum_join(a, b);
			each(a, [&](uint64_t x) { ASSERT_TRUE(tnum_holds(j, x)); });
			each(b, [&](uint64_t y) { ASSERT_TRUE(tnum_holds(j, y)); });
			if (!overlap)
				continue;
			for (uint64_t x = 0; x < N; x++)
				ASSERT_EQ(tnum_holds(tnum_meet(a, b), x), tnum_holds(a, x) && tnum_holds(b, x));
		}
}

TEST(Tnum, RangesAndShifts)
{
	for (uint64_t lo = 0; lo < N; lo++)
		for (uint64_t hi = lo; hi < N; hi++)
			for (uint64_t x = lo; x <= hi; x++)
				ASSERT_TRUE(tnum_holds(tnum_range(lo, hi), x));
	for (auto a : all())
		for (unsigned n = 0; n < 6; n++)
			each(a, [&](uint64_t x) {
				ASSERT_TRUE(tnum_holds(tnum_lsh(a, n), x << n));
				ASSERT_TRUE(tnum_holds(tnum_rsh(a, n), x >> n));
				ASSERT_TRUE(tnum_holds(tnum_low(a, n + 1), x & ((2ull << n) - 1)));
				ASSERT_TRUE(tnum_holds(tnum_sext(a, n + 1), (uint64_t)((int64_t)(x << (63 - n)) >> (63 - n))));
			});
}

TEST(Tnum, BytesInTheOtherOrder)
{
	for (auto a : all())
		for (unsigned shift = 0; shift < 64; shift += 3)
			for (unsigned bits = 16; bits <= 64; bits *= 2)
				each(a, [&](uint64_t x) {
					uint64_t y = x << shift;
					uint64_t r = bits == 16 ? __builtin_bswap16((uint16_t)y) :
						     bits == 32 ? __builtin_bswap32((uint32_t)y) : __builtin_bswap64(y);
					ASSERT_TRUE(tnum_holds(tnum_swap(tnum_lsh(a, shift), bits), r));
				});
	EXPECT_TRUE(tnum_equal(tnum_swap(tnum_make(0x1200, 0xff), 16), tnum_make(0x12, 0xff00)));
}
