// SPDX-License-Identifier: MIT
// The same random operations on a kernel map and on ours: results, errno and values are equal,
// iteration is compared as a set.
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "kernel_map.h"
#include "map_mem.h"

static uint64_t operations()
{
	const char *n = getenv("BPFTIME_OPS");
	return n ? strtoull(n, nullptr, 0) : 20000;
}

static uint32_t kernel_cpus()
{
	return rt_cpu_possible();
}

struct Case {
	const char *name;
	bpftime_map m;
	uint32_t keys;	// how many different ones are used
};

static void PrintTo(const Case &c, std::ostream *os)
{
	*os << c.name;
}

class Differential : public testing::TestWithParam<Case> {};

static std::string key_of(const Case &c, uint32_t i)
{
	std::string k(c.m.key_size, '\0');
	if (c.m.type == MAP_TYPE_lpm_trie) {	// i: few bits of data, and a length, at times too long
		uint32_t bits = i % 67 % (8 * (c.m.key_size - 4) + 2);
		memcpy(&k[0], &bits, 4);
		for (size_t at = 4; at < k.size(); at++)
			k[at] = (char)(i / 67 >> at % 3 * 2 & 1 ? 0xa5 : i / 67 >> 5 & 1 ? 0xa4 : 0x25);
		return k;
	}
	for (size_t at = 0; at < k.size(); at++)
		k[at] = (char)((at < 4 ? i >> 8 * at : i * 31 + at));
	return k;
}

// A filter is asked about few different ones.
static std::string value_of(const Case &c, std::mt19937_64 &rnd)
{
	bool few = c.m.type == MAP_TYPE_bloom_filter;
	std::string v(rt_map_value_bytes(&c.m, kernel_cpus()), '\0');
	for (auto &ch : v) {
		ch = (char)(few ? rnd() % 6 : rnd());
		if (few && rnd() % 4 == 0)
			break;
	}
	return v;
}

// And how iteration ends.
using Keys = std::pair<std::set<std::string>, int>;

static Keys keys_of(KernelMap &k, const bpftime_map &m)
{
	std::set<std::string> all;
	int r;
	std::string at(m.key_size, '\0'), next = at;
	for (r = k.next(nullptr, &next[0]); !r; r = k.next(&at[0], &next[0])) {
		EXPECT_TRUE(all.insert(next).second);
		at = next;
	}
	return {all, r};
}

static Keys keys_of(MapMem &k, const bpftime_map &m)
{
	std::set<std::string> all;
	std::string at(m.key_size, '\0'), next = at;
	int r = rt_map_next_key(&m, k.base, nullptr, &next[0]);
	for (; !r; r = rt_map_next_key(&m, k.base, &at[0], &next[0])) {
		EXPECT_TRUE(all.insert(next).second) << "twice";
		at = next;
	}
	return {all, r};
}

TEST_P(Differential, EqualsTheKernel)
{
	const Case &c = GetParam();
	KernelMap kernel(c.m);
	if (kernel.fd == -EPERM)
		GTEST_SKIP() << "bpf() is not permitted";
	ASSERT_GE(kernel.fd, 0);
	MapMem ours(c.m, kernel_cpus());
	ASSERT_NE(ours.base, nullptr);

	std::mt19937_64 rnd(c.m.key_size * 1000 + c.m.max_entries);
	size_t bytes = rt_map_value_bytes(&c.m, ours.cpus);
	std::string value(bytes, '\0'), a = value, b = value;
	const uint64_t flags[] = {0, 0, 0, 0, 1, 1, 2, 2, 3, 4, 5, 6, 8, 1ull << 40};

	for (uint64_t n = operations(); n; n--) {
		std::string key = key_of(c, (uint32_t)(rnd() % c.keys));
		uint64_t f = flags[rnd() % (sizeof(flags) / sizeof(*flags))];
		int want, got;

		switch (rnd() % 9) {
		case 8:
			f = rnd() % 8 ? 0 : 8;
			want = kernel.take(&key[0], &a[0], f);
			got = rt_map_take(&c.m, ours.base, &key[0], &b[0], f);
			ASSERT_EQ(got, want) << "take flags " << f;
			if (!want) {
				ASSERT_EQ(a, b);
			}
			break;
		case 0: case 1: case 2: case 3:
			value = value_of(c, rnd);
			want = kernel.update(&key[0], &value[0], f);
			got = rt_map_update(&c.m, ours.base, &key[0], &value[0], f);
			ASSERT_EQ(got, want) << "update flags " << f;
			break;
		case 4: case 5:
			want = kernel.remove(&key[0]);
			got = rt_map_delete(&c.m, ours.base, &key[0]);
			ASSERT_EQ(got, want) << "delete";
			break;
		default:
			f = rnd() % 16 ? 0 : f;
			if (c.m.type == MAP_TYPE_bloom_filter)	// the value is given
				a = b = value_of(c, rnd);
			want = kernel.lookup(&key[0], &a[0], f);
			got = rt_map_lookup(&c.m, ours.base, &key[0], &b[0], f);
			ASSERT_EQ(got, want) << "lookup flags " << f;
			if (!want) {
				ASSERT_EQ(a, b);
			}
		}
		if (n % 997 == 0) {
			ASSERT_EQ(keys_of(kernel, c.m), keys_of(ours, c.m));
		}
	}
	ASSERT_EQ(keys_of(kernel, c.m), keys_of(ours, c.m));
}

static bpftime_map bloom(uint32_t value, uint32_t entries, uint32_t hashes)
{
	auto m = map_attrs(MAP_TYPE_bloom_filter, 0, value, entries, MAP_F_ZERO_SEED);
	m.map_extra = hashes;
	return m;
}

static const Case cases[] = {
	{"lpm_4", map_attrs(MAP_TYPE_lpm_trie, 8, 8, 40, MAP_F_NO_PREALLOC), 67 * 64},
	{"lpm_4_full", map_attrs(MAP_TYPE_lpm_trie, 8, 4, 5, MAP_F_NO_PREALLOC), 67 * 64},
	{"lpm_1", map_attrs(MAP_TYPE_lpm_trie, 5, 1, 100, MAP_F_NO_PREALLOC), 67 * 64},
	{"lpm_16", map_attrs(MAP_TYPE_lpm_trie, 20, 100, 1000, MAP_F_NO_PREALLOC), 67 * 64},
	{"lpm_13", map_attrs(MAP_TYPE_lpm_trie, 17, 3, 60, MAP_F_NO_PREALLOC), 67 * 64},
	{"stack_trace_empty", map_attrs(MAP_TYPE_stack_trace, 4, 64, 20), 40},
	{"queue", map_attrs(MAP_TYPE_queue, 0, 12, 5), 1},
	{"queue_1", map_attrs(MAP_TYPE_queue, 0, 8, 1), 1},
	{"stack", map_attrs(MAP_TYPE_stack, 0, 100, 6), 1},
	{"stack_1", map_attrs(MAP_TYPE_stack, 0, 3, 1), 1},
	{"bloom_8", bloom(8, 100, 0), 1},
	{"bloom_1", bloom(1, 3, 1), 1},
	{"bloom_7", bloom(7, 30, 3), 1},
	{"bloom_24", bloom(24, 1000, 15), 1},
	{"bloom_13", bloom(13, 20, 2), 1},
	{"ringbuf", map_attrs(MAP_TYPE_ringbuf, 0, 0, 4096), 1},
	{"arena", map_attrs(MAP_TYPE_arena, 0, 0, 10, MAP_F_MMAPABLE), 1},
	{"user_ringbuf", map_attrs(MAP_TYPE_user_ringbuf, 0, 0, 4096), 1},
	{"array", map_attrs(MAP_TYPE_array, 4, 12, 50), 60},
	{"array_1", map_attrs(MAP_TYPE_array, 4, 1, 1), 3},
	{"percpu_array", map_attrs(MAP_TYPE_percpu_array, 4, 12, 50), 60},
	{"hash_4_8", map_attrs(MAP_TYPE_hash, 4, 8, 50), 70},
	{"hash_full", map_attrs(MAP_TYPE_hash, 4, 8, 3), 12},
	{"hash_1", map_attrs(MAP_TYPE_hash, 1, 1, 1), 4},
	{"hash_7_3", map_attrs(MAP_TYPE_hash, 7, 3, 500), 900},
	{"hash_16_100", map_attrs(MAP_TYPE_hash, 16, 100, 100), 120},
	{"hash_no_prealloc", map_attrs(MAP_TYPE_hash, 8, 8, 100, MAP_F_NO_PREALLOC), 130},
	{"percpu_hash", map_attrs(MAP_TYPE_percpu_hash, 4, 12, 50), 70},
	{"percpu_hash_full", map_attrs(MAP_TYPE_percpu_hash, 8, 8, 3), 12},
	{"percpu_hash_no_prealloc", map_attrs(MAP_TYPE_percpu_hash, 5, 100, 100, MAP_F_NO_PREALLOC), 130},
	{"lru_hash", map_attrs(MAP_TYPE_lru_hash, 4, 8, 10000), 70},
	{"lru_hash_own", map_attrs(MAP_TYPE_lru_hash, 4, 8, 10000, MAP_F_NO_COMMON_LRU), 70},
	{"lru_percpu_hash", map_attrs(MAP_TYPE_lru_percpu_hash, 12, 8, 10000), 70},
	{"hash_300_1000", map_attrs(MAP_TYPE_hash, 300, 1000, 64), 80},
};
INSTANTIATE_TEST_SUITE_P(Maps, Differential, testing::ValuesIn(cases),
			 [](const auto &i) { return std::string(i.param.name); });

// What BPF_MAP_CREATE refuses, rt_map_check refuses with the same errno.
TEST(DifferentialCreate, EqualsTheKernel)
{
	const uint32_t types[] = {
#define MAP(id_, ...) id_,
#include "maps.def"
	};
	const uint32_t sizes[] = {0, 1, 4, 4, 4, 5, 8, 1016, 1024, 260, 261, 1000, 40000, 4194024, 4194025, 4194200, 4194253, 5u << 20, 0xffffffff};
	const uint32_t entries[] = {0, 1, 2, 3, 4096, 12288, 8192};
	const uint32_t flags[] = {0, 0, 0, MAP_F_NO_PREALLOC, MAP_F_NO_PREALLOC, MAP_F_MMAPABLE, MAP_F_RDONLY,
				  MAP_F_RDONLY | MAP_F_WRONLY, MAP_F_RDONLY_PROG,
				  MAP_F_RDONLY_PROG | MAP_F_WRONLY_PROG, 1u << 31, MAP_F_NO_COMMON_LRU,
				  MAP_F_ZERO_SEED, MAP_F_INNER_MAP};
	std::mt19937 rnd(4);
	auto one_of = [&](auto &list) { return list[rnd() % (sizeof(list) / sizeof(*list))]; };
	int made = 0;
	KernelMap inner(map_attrs(MAP_TYPE_array, 4, 8, 1));
	for (int n = 0; n < 5000; n++) {
		auto m = map_attrs(one_of(types), one_of(sizes), one_of(sizes), one_of(entries),
				   rnd() % 3 ? one_of(flags) : 1u << rnd() % 32);
		if (((uint64_t)m.value_size + m.key_size) * m.max_entries > 1 << 20)
			m.max_entries = 1;
		if (m.type == MAP_TYPE_perf_event_array && !m.max_entries)
			continue;	// libbpf makes it the number of CPUs
		m.flags &= ~(1u << 16);	// BPF_F_TOKEN_FD: says whose descriptor comes along
		m.map_extra = rnd() % 8 ? 0 : rnd() % 20;
		KernelMap kernel(m, map_holds_maps(m.type) ? inner.fd : -1);
		if (kernel.fd == -EPERM)
			GTEST_SKIP() << "bpf() is not permitted";
		if (kernel.fd == -ENOMEM)
			continue;
		ASSERT_EQ(rt_map_check(&m), kernel.fd < 0 ? kernel.fd : 0)
			<< "type " << m.type << " key " << m.key_size << " value " << m.value_size
			<< " entries " << m.max_entries << " flags " << m.flags;
		made += kernel.fd >= 0;
	}
	EXPECT_GT(made, 30);
}
