// SPDX-License-Identifier: MIT
// bpf_spin_lock and BPF_F_LOCK (spin_lock.bpf.c): the kernel's results.  Locks among threads, signals
// and the dead are in test/runtime/spin.cpp.
#include <gtest/gtest.h>

#include <cerrno>

#include "both.h"

static const std::string object = BPFTIME_SPIN_LOCK_OBJECT;

class SpinLockProgram : public testing::TestWithParam<std::string> {};

TEST_P(SpinLockProgram, GivesTheKernelsResults)
{
	both_compare(object, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Programs, SpinLockProgram, testing::ValuesIn(both_programs(object)),
			 [](const auto &i) { return i.param; });

TEST(SpinLock, AnswersAreKnown)
{
	ran place = both_here(object, "in_place", 3), none = both_here(object, "no_lock", 3);
	ASSERT_TRUE(place.ok && none.ok);
	EXPECT_EQ(place.out[3], 2u);			// updated under the lock: seen through the old pointer
	EXPECT_EQ(place.out[11], 2u);			// replaced
	EXPECT_EQ(place.out[14], 3u);			// an array has no other place
	EXPECT_EQ((int64_t)none.out[0], -EINVAL);
	EXPECT_EQ((int64_t)none.out[1], -EINVAL);
}
