// SPDX-License-Identifier: MIT
// bpf_rdonly_cast to structures (casts.bpf.c): the kernel's results.
#include <gtest/gtest.h>

#include <unistd.h>

#include "both.h"

static const std::string object = BPFTIME_CASTS_OBJECT;

class Casts : public testing::TestWithParam<std::string> {};

TEST_P(Casts, GiveTheKernelsResults)
{
	both_compare(object, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Programs, Casts, testing::ValuesIn(both_programs(object)),
			 [](const auto &i) { return i.param; });

// What is known without asking: the kernel may be absent.
TEST(CastsAnswers, AreWhatIsThere)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		GTEST_SKIP() << "no BTF of the kernel";
	ran r = both_here(object, "pointers_are_followed", 3);
	ASSERT_TRUE(r.ok) << r.why;
	EXPECT_EQ(r.out[0], 1234567890123u);
	EXPECT_EQ(r.out[1], 42u);
	EXPECT_EQ(r.out[2], 1u);
	EXPECT_EQ(r.out[3], 8u);
	EXPECT_EQ(r.out[4], 0u);
	EXPECT_EQ(r.out[13], 1u);
	EXPECT_EQ(r.out[14], 0u);
}
