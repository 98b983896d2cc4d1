// SPDX-License-Identifier: MIT
// LRU hash maps when they are full: who leaves is our choice (the kernel's is another), but the map takes
// every new key, keeps what was used last, and never holds more than max_entries.
#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <set>

#include "kernel_map.h"
#include "map_mem.h"
#include "rt_helpers.h"

namespace {

uint32_t count(const MapMem &k)
{
	uint32_t key, next, n = 0;
	int r = rt_map_next_key(&k.m, k.base, nullptr, &key);
	for (; !r; key = next, n++)
		r = rt_map_next_key(&k.m, k.base, &key, &next);
	return n;
}

struct Lru : testing::TestWithParam<uint32_t> {
	void keeps_what_was_used_last(uint32_t entries, bool deletes);
};

void Lru::keeps_what_was_used_last(uint32_t entries, bool deletes)
{
	MapMem k(map_attrs(GetParam(), 4, 8, entries));
	std::mt19937 rnd(entries);
	std::deque<uint32_t> recent;	// the newest in front, each once
	uint64_t full = 0;

	for (uint32_t n = 0; n < 40 * entries; n++) {
		uint32_t key = rnd() % (3 * entries);
		uint64_t v = key * 7;
		if (rnd() % 4 == 0) {
			auto *at = (uint64_t *)bpftime_h_map_lookup_elem(&k.m, k.base, &key);
			if (!at)
				continue;
			ASSERT_EQ(*at, v);
		} else if (deletes && rnd() % 8 == 0) {
			uint32_t gone = recent[rnd() % recent.size()];
			ASSERT_EQ(bpftime_h_map_delete_elem(&k.m, k.base, &gone), 0u);
			for (auto i = recent.begin(); i != recent.end(); ++i)
				if (*i == gone) {
					recent.erase(i);
					break;
				}
			continue;
		} else {
			ASSERT_EQ((int)bpftime_h_map_update_elem(&k.m, k.base, &key, &v, 0), 0);
		}
		for (auto i = recent.begin(); i != recent.end(); ++i)
			if (*i == key) {
				recent.erase(i);
				break;
			}
		recent.push_front(key);
		if (recent.size() > entries / 4)
			recent.pop_back();
		for (uint32_t r : recent) {
			uint8_t got[64];
			ASSERT_EQ(rt_map_lookup(&k.m, k.base, &r, got, 0), 0) << "used lately: " << r;
		}
		if (n % 64 == 0)
			full += count(k) == entries;
	}
	EXPECT_LE(count(k), entries);
	EXPECT_GT(full, 0u);
}

}  // namespace

TEST_P(Lru, KeepsWhatWasUsedLast)
{
	keeps_what_was_used_last(8, false);
	keeps_what_was_used_last(100, false);
	keeps_what_was_used_last(1000, false);
}

TEST_P(Lru, KeepsWhatWasUsedLastBetweenDeletes)
{
	keeps_what_was_used_last(8, true);
	keeps_what_was_used_last(100, true);
}

// Flags and errno of a full map are the kernel's.
TEST_P(Lru, FullMapHasTheKernelsErrno)
{
	auto m = map_attrs(GetParam(), 4, 8, 40);
	KernelMap kernel(m);
	if (kernel.fd == -EPERM)
		GTEST_SKIP() << "bpf() is not permitted";
	MapMem ours(m, rt_cpu_possible());
	uint64_t v[64] = {};

	for (uint32_t key = 0; key < 400; key++)
		for (uint64_t flags : {2, 1, 0, 3}) {
			int want = kernel.update(&key, v, flags);
			ASSERT_EQ(rt_map_update(&ours.m, ours.base, &key, v, flags), want) << key << " " << flags;
		}
	EXPECT_EQ(count(ours), 40u);
}

TEST_P(Lru, OneEntry)
{
	MapMem k(map_attrs(GetParam(), 4, 8, 1));
	for (uint32_t key = 1; key < 100; key++) {
		uint64_t v = key;
		ASSERT_EQ(bpftime_h_map_update_elem(&k.m, k.base, &key, &v, 0), 0u);
		ASSERT_NE(bpftime_h_map_lookup_elem(&k.m, k.base, &key), nullptr);
		ASSERT_EQ(count(k), 1u);
	}
}

INSTANTIATE_TEST_SUITE_P(Kinds, Lru, testing::Values(MAP_TYPE_lru_hash, MAP_TYPE_lru_percpu_hash));
