// SPDX-License-Identifier: MIT
// bpf_task_storage_get and bpf_task_storage_delete (task_storage.bpf.c): the kernel's results.
#include <gtest/gtest.h>

#include "both.h"

static const std::string object = BPFTIME_TASK_STORAGE_OBJECT;

class TaskStorage : public testing::TestWithParam<std::string> {};

TEST_P(TaskStorage, GivesTheKernelsResults)
{
	both_compare(object, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Programs, TaskStorage, testing::ValuesIn(both_programs(object)),
			 [](const auto &i) { return i.param; });

// What is known without asking: the kernel may be absent.
TEST(TaskStorageAnswers, AreThoseOfOneThread)
{
	ran r = both_here(object, "one_after_the_other", 3), none = both_here(object, "no_task", 3);
	ASSERT_TRUE(r.ok && none.ok);
	EXPECT_EQ(r.out[0], 1u);
	EXPECT_EQ(r.out[1], 99u);
	EXPECT_EQ((int64_t)r.out[6], -ENOENT);
	EXPECT_EQ(r.out[7], 3009u);
	EXPECT_EQ(r.out[8], 9009u);
	EXPECT_EQ(r.out[10], 0u);
	EXPECT_EQ(r.out[13], 0u);
	EXPECT_EQ(none.out[0], 99u);
	EXPECT_EQ((int64_t)none.out[1], -EINVAL);
}
