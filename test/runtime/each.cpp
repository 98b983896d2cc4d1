// SPDX-License-Identifier: MIT
// The walk of bpf_for_each_map_elem: what a lookup finds, once each, while others change the map.
// What programs make of it is in test/compiler/callbacks.cpp.
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "hash_c.h"
#include "map_mem.h"
#include "rt_helpers.h"

namespace {

std::map<uint32_t, unsigned> walk(const MapMem &k)
{
	std::map<uint32_t, unsigned> seen;
	helper_each at = {};
	while (bpftime_h_for_each_map_elem(&k.m, k.base, &at))
		seen[*(const uint32_t *)at.key]++;
	return seen;
}

}

struct EachKind : testing::TestWithParam<uint32_t> {};

TEST_P(EachKind, SeesWhatIsThere)
{
	MapMem k(map_attrs(GetParam(), 4, 8, 200), rt_cpu_possible());
	std::map<uint32_t, unsigned> there;
	std::mt19937 rnd(3);

	EXPECT_TRUE(walk(k).empty());
	for (int i = 0; i < 3000; i++) {
		uint32_t key = rnd() % 150;
		uint64_t v = key;
		if (rnd() % 3) {
			ASSERT_EQ(bpftime_h_map_update_elem(&k.m, k.base, &key, &v, 0), 0u);
			there[key] = 1;
		} else {
			EXPECT_EQ(bpftime_h_map_delete_elem(&k.m, k.base, &key) == 0, there.erase(key) == 1);
		}
		if (i % 100 == 0)
			ASSERT_EQ(walk(k), there);
	}
	helper_each at = {};
	while (void *v = bpftime_h_for_each_map_elem(&k.m, k.base, &at))
		EXPECT_EQ(v, bpftime_h_map_lookup_elem(&k.m, k.base, at.key));
}

INSTANTIATE_TEST_SUITE_P(HashKinds, EachKind, testing::Values(MAP_TYPE_hash, MAP_TYPE_percpu_hash, MAP_TYPE_lru_hash,
							  MAP_TYPE_lru_percpu_hash));

// Somebody died while he deleted the key: behind the first store it is gone, for lookups and here.
TEST(Each, DoesNotSeeWhatADeadProcessTookOut)
{
	MapMem k(map_attrs(MAP_TYPE_hash, 4, 8, 8));
	uint32_t key = 5;
	uint64_t v = 1;
	ASSERT_EQ(bpftime_h_map_update_elem(&k.m, k.base, &key, &v, 0), 0u);
	struct hash_c_bucket b = hash_c_bucket(&k.m, k.base, &key);
	*b.pending = *b.head + 1;
	EXPECT_EQ(walk(k).size(), 1u);		// not yet
	*b.head = b.end;
	EXPECT_EQ(bpftime_h_map_lookup_elem(&k.m, k.base, &key), nullptr);
	EXPECT_TRUE(walk(k).empty());
}

TEST(Each, SeesOnceWhatIsThereAllTheTime)
{
	enum { STAY = 50, COME = 200 };
	MapMem k(map_attrs(MAP_TYPE_hash, 4, 8, 128));
	std::atomic<bool> stop{false};
	uint64_t v = 1;

	rt_self_setup();
	for (uint32_t key = 0; key < STAY; key++)
		ASSERT_EQ(bpftime_h_map_update_elem(&k.m, k.base, &key, &v, 0), 0u);
	std::thread other([&] {
		std::mt19937 rnd(1);
		while (!stop) {
			uint32_t key = STAY + rnd() % COME;
			uint64_t one = 1;
			if (rnd() % 2)
				bpftime_h_map_update_elem(&k.m, k.base, &key, &one, 0);
			else
				bpftime_h_map_delete_elem(&k.m, k.base, &key);
			key = rnd() % STAY;
			bpftime_h_map_update_elem(&k.m, k.base, &key, &one, 0);
		}
	});
	for (int i = 0; i < 3000; i++) {
		auto seen = walk(k);
		for (uint32_t key = 0; key < STAY; key++)
			ASSERT_EQ(seen[key], 1u) << key;
	}
	stop = true;
	other.join();
}
