// SPDX-License-Identifier: MIT
// Strings at addresses that nobody vouches for: what is not there, where pages end, how long is too
// long. What they answer for strings that are there is compared with the kernel in test/verify.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <random>

#include "rt_errno.h"
#include "rt_helpers.h"
#include "text_read.h"

namespace {

int32_t e(uint64_t r) { return (int32_t)(uint32_t)r; }

// Memory that ends where nobody may read on.
struct Guarded : testing::Test {
	enum { PAGE = 4096, BYTES = RT_STR_MAX + PAGE };
	char *start, *end;
	void SetUp() override
	{
		start = (char *)mmap(nullptr, BYTES + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ASSERT_NE(start, MAP_FAILED);
		end = start + BYTES;
		ASSERT_EQ(mprotect(end, PAGE, PROT_NONE), 0);
		memset(start, 'x', BYTES);
	}
	void TearDown() override { munmap(start, BYTES + PAGE); }
	uint64_t last(unsigned n) const { return (uint64_t)(end - n); }	// the last n bytes
};

}

TEST_F(Guarded, StringsThatRunOffAreFaults)
{
	const uint64_t text = (uint64_t)"xxxxxxxx";
	for (unsigned n : {1u, 63u, 64u, 65u, 4096u, 5000u}) {
		EXPECT_EQ(e(bpftime_h_strlen(last(n))), -RT_EFAULT);
		EXPECT_EQ(e(bpftime_h_strnlen(last(n), n)), (int)n);
		EXPECT_EQ(e(bpftime_h_strnlen(last(n), n + 1)), -RT_EFAULT);
		EXPECT_EQ(e(bpftime_h_strchr(last(n), 'y')), -RT_EFAULT);
		EXPECT_EQ(e(bpftime_h_strnchr(last(n), n, 'y')), -RT_ENOENT);
		EXPECT_EQ(e(bpftime_h_strrchr(last(n), 'x')), -RT_EFAULT);
		EXPECT_EQ(e(bpftime_h_strcmp(last(n), last(n))), -RT_EFAULT);
		EXPECT_EQ(e(bpftime_h_strspn(last(n), text)), -RT_EFAULT);
		EXPECT_EQ(e(bpftime_h_strcspn(text, last(n))), 0);
		EXPECT_EQ(e(bpftime_h_strstr(last(n), (uint64_t)"y")), -RT_EFAULT);
		end[-1] = 0;
		EXPECT_EQ(e(bpftime_h_strlen(last(n))), (int)n - 1);
		EXPECT_EQ(e(bpftime_h_strchrnul(last(n), 'y')), (int)n - 1);
		EXPECT_EQ(e(bpftime_h_strcmp(last(n), last(n))), 0);
		EXPECT_EQ(e(bpftime_h_strspn(last(n), text)), (int)n - 1);
		end[-1] = 'x';
	}
	EXPECT_EQ(e(bpftime_h_strlen((uint64_t)end)), -RT_EFAULT);
	EXPECT_EQ(e(bpftime_h_strlen(1ull << 63)), -RT_EFAULT);
}

TEST_F(Guarded, LongStringsAreTooBig)
{
	const uint64_t s = (uint64_t)start, one = (uint64_t)"x";
	EXPECT_EQ(e(bpftime_h_strlen(s)), -RT_E2BIG);
	EXPECT_EQ(e(bpftime_h_strnlen(s, UINT64_MAX)), -RT_E2BIG);
	EXPECT_EQ(e(bpftime_h_strchr(s, 'y')), -RT_E2BIG);
	EXPECT_EQ(e(bpftime_h_strchrnul(s, 'y')), -RT_E2BIG);
	EXPECT_EQ(e(bpftime_h_strrchr(s, 'x')), -RT_E2BIG);
	EXPECT_EQ(e(bpftime_h_strcmp(s, s)), -RT_E2BIG);
	EXPECT_EQ(e(bpftime_h_strspn(s, one)), -RT_E2BIG);
	EXPECT_EQ(e(bpftime_h_strcspn(s, (uint64_t)"y")), -RT_E2BIG);
	EXPECT_EQ(e(bpftime_h_strcspn((uint64_t)"y", s)), -RT_E2BIG);
	EXPECT_EQ(e(bpftime_h_strstr(s, (uint64_t)"y")), -RT_E2BIG);
	start[RT_STR_MAX - 1] = 0;
	EXPECT_EQ(e(bpftime_h_strlen(s)), RT_STR_MAX - 1);
}

TEST(Strings, NullIsOutOfRange)
{
	const uint64_t s = (uint64_t)"text";
	for (uint64_t bad : {0ull, 8ull, 4095ull}) {
		EXPECT_EQ(e(bpftime_h_strlen(bad)), -RT_ERANGE);
		EXPECT_EQ(e(bpftime_h_strnlen(bad, 0)), -RT_ERANGE);
		EXPECT_EQ(e(bpftime_h_strcmp(s, bad)), -RT_ERANGE);
		EXPECT_EQ(e(bpftime_h_strcmp(bad, s)), -RT_ERANGE);
		EXPECT_EQ(e(bpftime_h_strstr(s, bad)), -RT_ERANGE);
		EXPECT_EQ(e(bpftime_h_strspn(bad, s)), -RT_ERANGE);
		EXPECT_EQ(e(bpftime_h_strchr(bad, 0)), -RT_ERANGE);
	}
}

TEST_F(Guarded, CopiedStringsEndInAZero)
{
	char out[16];
	auto copy = [&](uint64_t bytes, uint64_t from, uint64_t flags) {
		memset(out, '.', sizeof(out));
		return e(bpftime_h_copy_from_user_str(out, bytes, from, flags));
	};
	EXPECT_EQ(copy(16, (uint64_t)"text", 0), 5);
	EXPECT_EQ(memcmp(out, "text\0...........", 16), 0);
	EXPECT_EQ(copy(8, (uint64_t)"text", 1), 5);
	EXPECT_EQ(memcmp(out, "text\0\0\0\0........", 16), 0);
	EXPECT_EQ(copy(4, (uint64_t)"text", 0), 4);
	EXPECT_EQ(memcmp(out, "tex\0............", 16), 0);
	EXPECT_EQ(copy(1, (uint64_t)"text", 0), 1);
	EXPECT_EQ(out[0], 0);
	EXPECT_EQ(copy(0, (uint64_t)"text", 0), 0);
	EXPECT_EQ(copy(8, (uint64_t)"text", 2), -RT_EINVAL);
	EXPECT_EQ(memcmp(out, "................", 16), 0);
	EXPECT_EQ(copy(8, last(4), 1), -RT_EFAULT);
	EXPECT_EQ(memcmp(out, "\0\0\0\0\0\0\0\0........", 16), 0);
	EXPECT_EQ(copy(5, last(4), 0), 5);
}

TEST(Memory, MovesLikeMemmove)
{
	std::mt19937_64 rnd(3);
	uint8_t a[256], b[256];
	for (int i = 0; i < 3000; i++) {
		for (auto &x : a)
			x = (uint8_t)rnd();
		memcpy(b, a, sizeof(a));
		size_t n = rnd() % 128, to = rnd() % 128, from = rnd() % 128;
		memmove(b + to, b + from, n);
		rt_memmove((uint64_t)(a + to), (uint64_t)(a + from), n);
		ASSERT_EQ(memcmp(a, b, sizeof(a)), 0) << n << " from " << from << " to " << to;
	}
}
