// SPDX-License-Identifier: MIT
// bpf_timer_* (timers.bpf.c): the kernel's results, and what the callbacks did when all had their time.
#include <gtest/gtest.h>

#include "both.h"

static const std::string object = BPFTIME_TIMERS_OBJECT;

class Timers : public testing::TestWithParam<std::string> {};

TEST_P(Timers, GiveTheKernelsResults)
{
	if (!both_kernel_usable())
		GTEST_SKIP() << "this process may not load BPF programs into the kernel";
	ran kernel = both_kernel(object, GetParam(), nullptr, BOTH_LATER);
	ASSERT_TRUE(kernel.ok) << kernel.why;
	for (unsigned level : {1u, 3u}) {
		ran here = both_here(object, GetParam(), level, nullptr, BOTH_LATER);
		ASSERT_TRUE(here.ok) << here.why << " at -O" << level;
		EXPECT_EQ(here.out, kernel.out) << "at -O" << level;
	}
}

INSTANTIATE_TEST_SUITE_P(Programs, Timers, testing::ValuesIn(both_programs(object)),
			 [](const auto &i) { return i.param; });

// What is known without asking: the kernel may be absent.
TEST(TimerAnswers, AreKnown)
{
	ran once = both_here(object, "each_once", 3, nullptr, BOTH_LATER);
	ran ended = both_here(object, "ended", 3, nullptr, BOTH_LATER);
	ran again = both_here(object, "starts_itself", 3, nullptr, BOTH_LATER);
	ran itself = both_here(object, "deletes_itself", 3, nullptr, BOTH_LATER);
	ASSERT_TRUE(once.ok && ended.ok && again.ok && itself.ok);
	EXPECT_EQ(once.out[50], 8u);
	EXPECT_EQ(once.out[51], 828u);
	EXPECT_EQ(ended.out[56], 0u);
	EXPECT_EQ(again.out[52], 5u);
	EXPECT_EQ((int64_t)itself.out[54], -EDEADLK);
}
