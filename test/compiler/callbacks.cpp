// SPDX-License-Identifier: MIT
// bpf_loop and bpf_for_each_map_elem (callbacks.bpf.c): the kernel's results, optimised a little and fully.
#include <gtest/gtest.h>

#include "both.h"

static const std::string object = BPFTIME_CALLBACKS_OBJECT;

class CallbackProgram : public testing::TestWithParam<std::string> {};

TEST_P(CallbackProgram, GiveTheKernelsResults)
{
	both_compare(object, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Programs, CallbackProgram, testing::ValuesIn(both_programs(object)),
			 [](const auto &i) { return i.param; });

// What is known without asking: the kernel may be absent.
TEST(Callbacks, AnswersAreCounts)
{
	ran each = both_here(object, "each_hash", 3), loops = both_here(object, "loops", 3);
	ASSERT_TRUE(each.ok && loops.ok);
	EXPECT_EQ(each.out[0], 40u);
	EXPECT_EQ(each.out[5], 7u);			// stopped
	EXPECT_EQ((int64_t)each.out[6], -EINVAL);	// flags
	EXPECT_EQ(each.out[10], 40u);			// while every second one was deleted
	EXPECT_EQ(each.out[11], 20u);
	EXPECT_EQ(loops.out[2], 100u);
	EXPECT_EQ(loops.out[5], 5u);
	EXPECT_EQ((int64_t)loops.out[7], -EINVAL);
	EXPECT_EQ(loops.out[9], 1u << 23);
	ran two = both_here(object, "each_of_two", 3);
	ASSERT_TRUE(two.ok) << two.why;
	EXPECT_EQ(two.out[3], 20u);			// of either what is even
	EXPECT_EQ(two.out[4], 19u);
	ran unknown = both_here(object, "unknown", 3);
	EXPECT_EQ((int64_t)unknown.out[13], -E2BIG);
	EXPECT_EQ((int64_t)unknown.out[14], -E2BIG);
}
