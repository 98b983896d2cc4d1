// SPDX-License-Identifier: MIT
// SIGKILL and the hash maps that kill.cpp does not try: per-CPU and LRU.
#include "kill_kinds.h"

namespace {

enum { ENTRIES = 24, KEYS = 40 };

uint64_t value_of(uint32_t key, uint64_t n)
{
	return (uint64_t)key << 32 | (n & 0xffff) << 16 | (n & 0xffff);
}

bool whole(uint32_t key, uint64_t v)
{
	return !v || (v >> 32 == key && (v >> 16 & 0xffff) == (v & 0xffff));
}

struct KillHash : testing::TestWithParam<uint32_t> {};

int change(KillRun &run, uint32_t, std::mt19937_64 &rnd)
{
	uint32_t key = rnd() % KEYS;
	uint64_t v = value_of(key, rnd()), all[64];
	const MapMem &k = run.map;
	int r;

	switch (rnd() % 6) {
	case 0:
		r = (int)bpftime_h_map_delete_elem(&k.m, k.base, &key);
		break;
	case 1:
		bpftime_h_map_lookup_elem(&k.m, k.base, &key);
		return 0;
	case 2:
		r = rt_map_lookup(&k.m, k.base, &key, all, 0);
		for (uint64_t c = 0; !r && c < rt_map_value_bytes(&k.m, k.cpus) / 8; c++)
			if (!whole(key, all[c]))
				_exit(11);
		break;
	default:
		r = (int)bpftime_h_map_update_elem(&k.m, k.base, &key, &v, rnd() % 3);
	}
	if (r && r != -EBUSY && r != -ENOENT && r != -EEXIST && r != -E2BIG && r != -ENOMEM)
		_exit(10);
	return r;
}

}  // namespace

// Every entry is in the map or free: exactly ENTRIES fit, or with LRU the map stays at ENTRIES.
TEST_P(KillHash, LosesNoEntry)
{
	KillRun run(map_attrs(GetParam(), 4, 8, ENTRIES));
	const MapMem &k = run.map;
	bool lru = GetParam() == MAP_TYPE_lru_hash || GetParam() == MAP_TYPE_lru_percpu_hash;
	uint32_t key, n = 0;
	uint64_t all[64] = {};

	run.go(change, [](KillRun &) { usleep(200); });
	for (key = 0; key < 4000; key++) {	// visits every bucket
		int r = rt_map_delete(&k.m, k.base, &key);
		ASSERT_TRUE(r == 0 || r == -ENOENT) << r;
	}
	ASSERT_EQ(rt_map_next_key(&k.m, k.base, nullptr, &key), -ENOENT);
	for (key = 1; key <= ENTRIES + 5; key++)
		ASSERT_EQ(rt_map_update(&k.m, k.base, &key, all, MAP_NOEXIST),
			  key <= ENTRIES || lru ? 0 : -E2BIG) << key;
	for (key = 1; key <= ENTRIES + 5; key++)
		n += !rt_map_lookup(&k.m, k.base, &key, all, 0);
	EXPECT_EQ(n, (uint32_t)ENTRIES);
	printf("%llu kills, %llu operations, %llu busy\n", (unsigned long long)run.kills,
	       (unsigned long long)run.sum(&KillLog::done), (unsigned long long)run.sum(&KillLog::busy));
}

INSTANTIATE_TEST_SUITE_P(Kinds, KillHash,
			 testing::Values(MAP_TYPE_hash, MAP_TYPE_percpu_hash, MAP_TYPE_lru_hash,
					 MAP_TYPE_lru_percpu_hash));

// A trie's prefixes are there or not, whole, and none is lost.
TEST(KillLpm, LosesNoEntry)
{
	struct Key {
		uint32_t bits;
		uint8_t data[4];
	};
	auto key_of = [](uint32_t n) {
		return Key{8 + n % 24, {(uint8_t)n, (uint8_t)(n * 7), (uint8_t)(n * 13), 0}};
	};
	KillRun run(map_attrs(MAP_TYPE_lpm_trie, 8, 8, ENTRIES, MAP_F_NO_PREALLOC));
	const MapMem &k = run.map;
	auto op = [&](KillRun &r, uint32_t, std::mt19937_64 &rnd) {
		const MapMem &m = r.map;
		uint32_t n = rnd() % KEYS;
		Key key = key_of(n);
		uint64_t v = value_of(n, rnd());
		if (rnd() % 4 == 0)
			return (int)bpftime_h_map_delete_elem(&m.m, m.base, &key);
		if (rnd() % 4)
			return (int)bpftime_h_map_update_elem(&m.m, m.base, &key, &v, 0);
		int e = rt_map_lookup(&m.m, m.base, &key, &v, 0);
		if (!e && !whole((uint32_t)(v >> 32), v))
			_exit(11);
		return e;
	};
	Key key;
	uint64_t v = 0;
	uint32_t n = 0;

	run.go(op, [](KillRun &) { usleep(200); });
	for (uint32_t i = 0; i < 4000; i++) {	// visits every bucket
		key = {32, {(uint8_t)i, (uint8_t)(i >> 8), 3, 3}};
		int e = rt_map_delete(&k.m, k.base, &key);
		ASSERT_TRUE(e == 0 || e == -ENOENT) << e;
	}
	while (!rt_map_next_key(&k.m, k.base, nullptr, &key))
		ASSERT_EQ(rt_map_delete(&k.m, k.base, &key), 0);
	for (; n < ENTRIES + 3; n++) {
		key = {24, {(uint8_t)n, 1, 2, 3}};
		ASSERT_EQ(rt_map_update(&k.m, k.base, &key, &v, 0), n < ENTRIES ? 0 : -ENOSPC) << n;
	}
}
