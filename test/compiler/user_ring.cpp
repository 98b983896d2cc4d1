// SPDX-License-Identifier: MIT
// bpf_user_ringbuf_drain (user_ring.bpf.c) on rings that a good and a bad producer left: the kernel's
// results, and the samples are the same.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "both.h"

static const std::string object = BPFTIME_USER_RING_OBJECT;
enum { RING = 4096, HDR = 8 };
static const uint32_t BUSY = 1u << 31, DISCARD = 1u << 30;

static void header(both_ring &r, uint64_t at, uint32_t len)
{
	memcpy(&r.data[at % RING], &len, 4);
}

// Samples one after the other; if `bad`, one thing is not as it should be.
static both_ring contents(std::mt19937 &rnd, bool bad)
{
	both_ring r;
	std::vector<uint64_t> starts;
	r.data.resize(RING);
	for (auto &b : r.data)
		b = (uint8_t)rnd();
	for (uint64_t at = 0;;) {
		uint32_t len = rnd() % 8 ? rnd() % 60 : rnd() % 2000, span = (len + HDR + 7) & ~7u;
		if (at + span > RING || rnd() % 30 == 0)
			break;
		header(r, at, len | (rnd() % 6 ? 0 : DISCARD));
		starts.push_back(at);
		at += span;
		r.producer = at;
	}
	if (!bad || starts.empty())
		return r;
	uint64_t at = starts[rnd() % starts.size()];
	static const uint32_t odd[] = {BUSY, DISCARD | BUSY, 0xffffffff, 0x3fffffff, 0x7fffffff, 4088, 4089, 4096, 0, 0x00ffffff, 0x01000000};
	switch (rnd() % 4) {
	case 0: r.producer += 1 + rnd() % 7; break;
	case 1: r.producer += 8 * (rnd() % 1000); break;
	case 2: r.producer = rnd() % 2 ? UINT64_MAX - 7 : (uint64_t)rnd() << 20; break;
	default: break;
	}
	header(r, at, rnd() % 2 ? odd[rnd() % (sizeof(odd) / sizeof(odd[0]))] : (uint32_t)rnd());
	return r;
}

TEST(UserRing, GivesTheKernelsResults)
{
	if (!both_kernel_usable())
		GTEST_SKIP() << "this process may not load BPF programs into the kernel";
	std::mt19937 rnd(5);
	unsigned some = 0, errors = 0;
	for (auto &prog : both_programs(object))
		for (int i = 0; i < 40; i++) {
			both_ring ring = contents(rnd, i % 2);
			ran kernel = both_kernel(object, prog, &ring);
			ASSERT_TRUE(kernel.ok) << kernel.why;
			ran here = both_here(object, prog, i % 3 ? 3 : 1, &ring);
			ASSERT_TRUE(here.ok) << here.why;
			ASSERT_EQ(here.out, kernel.out) << prog << " " << i;
			ASSERT_EQ(here.consumer, kernel.consumer) << prog << " " << i;
			some += (int64_t)kernel.out[0] > 0;
			errors += (int64_t)kernel.out[0] < 0;
		}
	EXPECT_GT(some, 60u);
	EXPECT_GT(errors, 10u);
}

// What is known without asking: the kernel may be absent.
TEST(UserRing, SamplesAreCounted)
{
	both_ring ring;
	ring.data.resize(RING);
	for (uint64_t i = 0; i < 5; i++)
		header(ring, i * 16, i == 2 ? 8 | DISCARD : 8);
	ring.producer = 5 * 16;
	ran all = both_here(object, "all", 3, &ring), three = both_here(object, "three", 3, &ring);
	ran inside = both_here(object, "inside", 3, &ring);
	ASSERT_TRUE(all.ok && three.ok && inside.ok);
	EXPECT_EQ(all.out[0], 4u);
	EXPECT_EQ(all.consumer, 80u);
	EXPECT_EQ(three.out[0], 3u);
	EXPECT_EQ(three.out[6], 1u);
	EXPECT_EQ((int64_t)three.out[8], -EINVAL);
	EXPECT_EQ((int64_t)inside.out[5], 4 * -EBUSY);
}
