// SPDX-License-Identifier: MIT
// Pages given out, taken back and reserved at random, here and in the kernel: the same addresses, errors,
// contents, and pages that are there.
#include <gtest/gtest.h>

#include <bpf/bpf.h>
#include <cstring>
#include <random>

#include "arenas.h"
#include "mapfmt.h"
#include "rt_maps.h"

namespace {

enum { ALLOC, FREE, RESERVE, STORE, LOAD };
const std::string object = BPFTIME_ARENA_OBJECTS "/pages.bpf.o";
constexpr uint64_t START = 0x200012340000;	// of CMakeLists.txt
enum { PAGES = 70 };

struct Op {
	uint64_t what, at, n, flags;
};

class Both {
public:
	Both() : kernel(object), here(object, 3) {}
	bool ok() const { return kernel.ok && here.ok; }
	bool in_kernel(const Op &op, uint64_t *r)
	{
		std::string why;
		uint64_t r0;
		for (uint32_t i = 0; i < 4; i++)
			if (kernel.store("in", i, (&op.what)[i]))
				return false;
		if (!kernel.run("one", &r0, &why)) {
			ADD_FAILURE() << why;
			return false;
		}
		*r = kernel.out()[0];
		return true;
	}
	bool in_here(const Op &op, uint64_t *r)
	{
		uint64_t r0;
		for (uint32_t i = 0; i < 4; i++)
			if (rt_map_update(here.map("in"), here.base("in"), &i, &(&op.what)[i], 0))
				return false;
		if (!here.run("one", &r0))
			return false;
		*r = here.out()[0];
		return true;
	}
	bool here_is_there(uint32_t page) const
	{
		auto backed = (const uint64_t *)((const char *)here.base("arena") + mapfmt_arena_backed(PAGES));
		return backed[page / 64] >> page % 64 & 1;
	}
	ArenaKernel kernel;
	ArenaHere here;
};

Op random_op(std::mt19937_64 &rnd)
{
	Op op = {rnd() % 5, 0, rnd() % 4 ? 1 + rnd() % 9 : rnd() % 80, 0};
	uint64_t page = rnd() % PAGES;
	op.at = START + page * ARENA_PAGE;
	if (op.what >= STORE)
		op.at += rnd() % 4088;
	else if (op.what == ALLOC && rnd() % 3)
		op.at = 0;
	else if (rnd() % 16 == 0)
		op.at += rnd() % 3;			// no page's start
	else if (rnd() % 16 == 0)
		op.at ^= 1ull << (32 + rnd() % 30);	// the upper half says nothing
	else if (op.what != FREE && rnd() % 16 == 0)
		op.at += (rnd() % 3 + PAGES) * ARENA_PAGE;	// outside
	if (op.what == ALLOC && rnd() % 32 == 0)
		op.flags = 1ull << rnd() % 64;
	if (op.what == STORE)
		op.n = rnd();
	return op;
}

TEST(ArenaPages, ComeAndGoAsInTheKernel)
{
	if (!arena_kernel_usable())
		GTEST_SKIP() << "this process may not have arenas in the kernel";
	Both b;
	ASSERT_TRUE(b.ok()) << b.kernel.why;
	std::mt19937_64 rnd(7);
	unsigned given = 0, ties = 0;
	const char *more = getenv("BPFTIME_OPS");
	for (unsigned n = more ? (unsigned)atoi(more) : 6000; n; n--) {
		Op op = random_op(rnd);
		uint64_t want, got;
		ASSERT_TRUE(b.in_kernel(op, &want) && b.in_here(op, &got));
		given += op.what == ALLOC && want;
		// Of several places of the same size the kernel takes any.
		if (op.what == ALLOC && !op.at && want && got && want != got) {
			Op back = {FREE, got, op.n, 0}, again = {ALLOC, want, op.n, 0};
			uint64_t r;
			ties++;
			ASSERT_TRUE(b.in_here(back, &r) && b.in_here(again, &got));
		}
		ASSERT_EQ(got, want) << "operation " << op.what << " at " << std::hex << op.at << " of " << op.n;
		if (n % 50)
			continue;
		for (uint32_t page = 0; page < PAGES; page++)
			ASSERT_EQ(b.here_is_there(page), b.kernel.is_there(page)) << page;
		ASSERT_TRUE(b.here.pages() == b.kernel.pages());
	}
	EXPECT_GT(given, 300u);
	EXPECT_LT(ties, given / 2);
}

}
