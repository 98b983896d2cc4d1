// SPDX-License-Identifier: MIT
// Buckets of hash maps that keep an entry when its key is deleted: the next key takes it, and none is missed
// when the map is full.
#include <errno.h>
#include <gtest/gtest.h>

#include <vector>

#include "hash_c.h"
#include "map_mem.h"
#include "rt_helpers.h"

namespace {

enum { ENTRIES = 256, SPARE_BIT = 31 };

struct Spare : testing::TestWithParam<uint32_t> {
	MapMem k{map_attrs(GetParam(), 4, 8, ENTRIES)};
	bool lru = GetParam() == MAP_TYPE_lru_hash || GetParam() == MAP_TYPE_lru_percpu_hash;

	uint32_t pending(uint32_t key)
	{
		return *hash_c_bucket(&k.m, k.base, &key).pending;
	}
	bool kept(uint32_t key)
	{
		return pending(key) >> SPARE_BIT;
	}
	int add(uint32_t key)
	{
		uint64_t v = key;
		return (int)bpftime_h_map_update_elem(&k.m, k.base, &key, &v, MAP_NOEXIST);
	}
	int remove(uint32_t key)
	{
		return (int)bpftime_h_map_delete_elem(&k.m, k.base, &key);
	}
	bool has(uint32_t key)	// on whatever CPU it was added
	{
		std::vector<uint64_t> all(rt_map_value_bytes(&k.m, k.cpus) / 8);
		uint64_t sum = 0;

		if (!bpftime_h_map_lookup_elem(&k.m, k.base, &key) ||
		    rt_map_lookup(&k.m, k.base, &key, all.data(), 0))
			return false;
		for (uint64_t v : all)
			sum += v;
		return sum == key;
	}
};

}  // namespace

TEST_P(Spare, IsTakenByTheNextKey)
{
	uint32_t x;

	ASSERT_EQ(add(7), 0);
	EXPECT_EQ(pending(7), 0u);
	ASSERT_EQ(remove(7), 0);
	ASSERT_TRUE(kept(7));
	EXPECT_FALSE(has(7));
	EXPECT_EQ(remove(7), -ENOENT);
	x = pending(7) & ~(1u << SPARE_BIT);
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(add(7), 0);
		EXPECT_EQ(pending(7), 0u);
		EXPECT_TRUE(has(7));
		EXPECT_EQ(add(7), -EEXIST);
		ASSERT_EQ(remove(7), 0);
		EXPECT_EQ(pending(7), x | 1u << SPARE_BIT);
	}
}

// What the key before it had on other CPUs is not seen.
TEST_P(Spare, HasNoOldValues)
{
	std::vector<uint64_t> all(rt_map_value_bytes(&k.m, k.cpus) / 8, 9);
	uint32_t key = 7;

	ASSERT_EQ(rt_map_update(&k.m, k.base, &key, all.data(), 0), 0);
	ASSERT_EQ(remove(7), 0);
	ASSERT_TRUE(kept(7));
	ASSERT_EQ(add(7), 0);
	EXPECT_TRUE(has(7));
}

// As many keys as there are entries fit, whatever the buckets have kept; an LRU map lets none go before.
TEST_P(Spare, IsFoundWhenTheMapIsFull)
{
	uint32_t first = 0, n;

	for (int round = 0; round < 12; round++, first += ENTRIES) {
		for (n = 0; n < ENTRIES; n++)
			ASSERT_EQ(add(first + n), 0) << round << " " << n;
		for (n = 0; n < ENTRIES; n++)
			ASSERT_TRUE(has(first + n)) << round << " " << n;
		for (n = 0; !lru && n < 5; n++)	// of those that find it full some look for what the dead left
			ASSERT_EQ(add(first + ENTRIES + n), -E2BIG);
		uint32_t kept_ones = 0;
		for (n = 0; n < ENTRIES; n++) {
			ASSERT_EQ(remove(first + n), 0);
			kept_ones += kept(first + n);
		}
		EXPECT_GT(kept_ones, 0u);
	}
}

// A process was killed when it had begun to use the bucket's entry.
TEST_P(Spare, IsRepaired)
{
	uint32_t key = 7, n;

	ASSERT_EQ(add(7), 0);
	ASSERT_EQ(remove(7), 0);
	ASSERT_TRUE(kept(7));
	*hash_c_bucket(&k.m, k.base, &key).pending &= ~(1u << SPARE_BIT);
	EXPECT_FALSE(has(7));
	for (n = 0; n < ENTRIES; n++)
		ASSERT_EQ(add(7 + n), 0) << n;
	for (n = 0; n < ENTRIES; n++)
		ASSERT_TRUE(has(7 + n)) << n;
}

INSTANTIATE_TEST_SUITE_P(Kinds, Spare,
			 testing::Values(MAP_TYPE_hash, MAP_TYPE_percpu_hash, MAP_TYPE_lru_hash,
					 MAP_TYPE_lru_percpu_hash));
