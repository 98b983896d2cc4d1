// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "map_mem.h"
#include "rt_helpers.h"

TEST(RtArray, SizesAndLimits)
{
	auto m = map_attrs(MAP_TYPE_array, 4, 12, 1000);
	EXPECT_EQ(rt_map_size(&m, 1), 16384u);	// 1000 x 16, whole pages
	m.key_size = 8;
	EXPECT_EQ(rt_map_check(&m), -EINVAL);
	EXPECT_EQ(rt_map_size(&m, 1), 0u);
	m = map_attrs(MAP_TYPE_array, 4, 0x7fffffff, 0xffffffff);
	EXPECT_EQ(rt_map_size(&m, 1), 0u);
}

TEST(RtArray, ProgramAndProcessSeeTheSame)
{
	auto m = map_attrs(MAP_TYPE_array, 4, 12, 100);
	std::vector<char> file(MAPFMT_HEADER_BYTES + rt_map_size(&m, 1));	/* the header says whether it is frozen */
	char *mem = file.data() + MAPFMT_HEADER_BYTES;
	rt_map_format(&m, mem, 1);
	uint32_t key = 7, out = 100;
	char value[12] = "hello value", got[12] = {};
	EXPECT_EQ(rt_map_update(&m, mem, &key, value, MAP_EXIST), 0);
	auto *p = (char *)bpftime_h_map_lookup_elem(&m, mem, &key);
	ASSERT_EQ(p, mem + 7 * 16);
	EXPECT_STREQ(p, value);
	p[0] = 'j';
	EXPECT_EQ(rt_map_lookup(&m, mem, &key, got, 0), 0);
	EXPECT_STREQ(got, "jello value");
	EXPECT_EQ(rt_map_update(&m, mem, &key, value, MAP_NOEXIST), -EEXIST);
	EXPECT_EQ(rt_map_update(&m, mem, &out, value, MAP_NOEXIST), -E2BIG);
	EXPECT_EQ(rt_map_update(&m, mem, &key, value, 3), -EINVAL);
	EXPECT_EQ(rt_map_delete(&m, mem, &key), -EINVAL);
	EXPECT_EQ(rt_map_lookup(&m, mem, &out, got, 0), -ENOENT);
	EXPECT_EQ(bpftime_h_map_lookup_elem(&m, mem, &out), nullptr);
	uint32_t next, n = 0;
	for (int r = rt_map_next_key(&m, mem, nullptr, &next); !r;
	     r = rt_map_next_key(&m, mem, &next, &next))
		EXPECT_EQ(next, n++);
	EXPECT_EQ(n, 100u);
}
