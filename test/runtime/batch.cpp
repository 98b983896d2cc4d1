// SPDX-License-Identifier: MIT
// Batches, frozen maps and read-only and write-only ones: results, counts and errno are the kernel's.
#include <gtest/gtest.h>

#include <linux/bpf.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "kernel_map.h"
#include "map_mem.h"

namespace {

struct Case {
	const char *name;
	bpftime_map m;
	uint32_t keys;
};
void PrintTo(const Case &c, std::ostream *o) { *o << c.name; }

const Case cases[] = {
	{"array", map_attrs(MAP_TYPE_array, 4, 12, 50), 60},
	{"percpu_array", map_attrs(MAP_TYPE_percpu_array, 4, 12, 20), 25},
	{"hash", map_attrs(MAP_TYPE_hash, 4, 8, 50), 70},
	{"hash_1", map_attrs(MAP_TYPE_hash, 1, 1, 1), 4},
	{"hash_16_100", map_attrs(MAP_TYPE_hash, 16, 100, 100, MAP_F_NO_PREALLOC), 120},
	{"percpu_hash", map_attrs(MAP_TYPE_percpu_hash, 4, 12, 50), 70},
	{"lru_hash", map_attrs(MAP_TYPE_lru_hash, 4, 8, 2000), 70},
	{"lru_percpu_hash", map_attrs(MAP_TYPE_lru_percpu_hash, 12, 8, 2000), 70},
	{"lpm", map_attrs(MAP_TYPE_lpm_trie, 8, 8, 40, MAP_F_NO_PREALLOC), 60},
	{"queue", map_attrs(MAP_TYPE_queue, 0, 12, 5), 1},
	{"stack", map_attrs(MAP_TYPE_stack, 0, 12, 5), 1},
	{"stack_trace", map_attrs(MAP_TYPE_stack_trace, 4, 64, 20), 20},
	{"ringbuf", map_attrs(MAP_TYPE_ringbuf, 0, 0, 4096), 1},
	{"prog_array", map_attrs(MAP_TYPE_prog_array, 4, 4, 5), 5},
	{"bloom_filter", map_attrs(MAP_TYPE_bloom_filter, 0, 8, 100), 1},
	{"cgroup_array", map_attrs(MAP_TYPE_cgroup_array, 4, 4, 5), 5},
};

// Room for what one call gives or takes.
struct Batch {
	std::string keys, values, at;
	uint32_t count;
	explicit Batch(const bpftime_map &m, uint32_t cpus)
		: keys(256 * m.key_size + 1, 0), values(256 * rt_map_value_bytes(&m, cpus) + 1, 0), at(64, 0), count(0)
	{
	}
};

int kernel_batch(KernelMap &k, int cmd, Batch &b, bool first, uint64_t elem_flags = 0, uint64_t flags = 0)
{
	union bpf_attr a;
	memset(&a, 0, sizeof(a));
	a.batch.map_fd = (uint32_t)k.fd;
	if (cmd == BPF_MAP_LOOKUP_BATCH || cmd == BPF_MAP_LOOKUP_AND_DELETE_BATCH) {
		a.batch.in_batch = first ? 0 : (uint64_t)(uintptr_t)&b.at[0];
		a.batch.out_batch = (uint64_t)(uintptr_t)&b.at[0];
	}
	a.batch.keys = (uint64_t)(uintptr_t)&b.keys[0];
	if (cmd != BPF_MAP_DELETE_BATCH)
		a.batch.values = (uint64_t)(uintptr_t)&b.values[0];
	a.batch.count = b.count;
	a.batch.elem_flags = elem_flags;
	a.batch.flags = flags;
	int r = KernelMap::call(cmd, a);
	b.count = a.batch.count;
	return r;
}

int our_batch(MapMem &m, int cmd, Batch &b, bool first, uint64_t elem_flags = 0, uint64_t flags = 0)
{
	rt_batch x = {first ? nullptr : &b.at[0], &b.at[0], &b.keys[0], &b.values[0], b.count, elem_flags, flags};
	int r = cmd == BPF_MAP_LOOKUP_BATCH ? rt_map_lookup_batch(&m.m, m.base, &x)
		: cmd == BPF_MAP_LOOKUP_AND_DELETE_BATCH ? rt_map_take_batch(&m.m, m.base, &x)
		: cmd == BPF_MAP_UPDATE_BATCH ? rt_map_update_batch(&m.m, m.base, &x)
					      : rt_map_delete_batch(&m.m, m.base, &x);
	b.count = x.count;
	return r;
}

std::string key_of(const Case &c, uint32_t i)
{
	std::string k(c.m.key_size, '\0');
	if (c.m.type == MAP_TYPE_lpm_trie) {
		uint32_t bits = i % 34;
		memcpy(&k[0], &bits, 4);
		k[4] = (char)(i * 5);
		k[7] = (char)i;
		return k;
	}
	memcpy(&k[0], &i, k.size() < 4 ? k.size() : 4);
	return k;
}

using Contents = std::map<std::string, std::string>;

// Everything, by batches of `room`; `r` of the last call.
template <typename Fn> Contents read_all(const Case &c, uint32_t cpus, uint32_t room, int &r, Fn call)
{
	Contents all;
	Batch b(c.m, cpus);
	size_t value = rt_map_value_bytes(&c.m, cpus);
	bool first = true;
	for (int n = 0; n < 1000; n++) {
		b.count = room;
		r = call(b, first);
		if (r && r != -ENOENT)
			break;
		EXPECT_LE(b.count, room);
		for (uint32_t i = 0; i < b.count; i++)
			EXPECT_TRUE(all.emplace(b.keys.substr(i * c.m.key_size, c.m.key_size),
						b.values.substr(i * value, value)).second);
		first = false;
		if (r)
			break;
	}
	return all;
}

struct BatchDifferential : testing::TestWithParam<Case> {};

}  // namespace

TEST_P(BatchDifferential, EqualsTheKernel)
{
	const Case &c = GetParam();
	KernelMap kernel(c.m);
	if (kernel.fd == -EPERM)
		GTEST_SKIP() << "bpf() is not permitted";
	ASSERT_GE(kernel.fd, 0);
	MapMem ours(c.m, rt_cpu_possible());
	ASSERT_NE(ours.base, nullptr);
	std::mt19937_64 rnd(3);
	Batch b(c.m, ours.cpus), a = b;
	size_t value = rt_map_value_bytes(&c.m, ours.cpus);
	const uint64_t flags[] = {0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 8};

	for (int n = 0; n < 200; n++) {
		for (uint32_t i = 0; i < 64; i++) {
			std::string k = key_of(c, (uint32_t)(rnd() % c.keys));
			memcpy(&a.keys[i * k.size()], k.data(), k.size());
			for (size_t at = i * value; at < (i + 1) * value; at++)
				a.values[at] = (char)rnd();
			// percpu padding is not the map's
			for (size_t at = c.m.value_size; value != c.m.value_size && at % 8 && at < value; at++)
				for (size_t cpu = 0; cpu < ours.cpus; cpu++)
					a.values[i * value + cpu * (value / ours.cpus) + at] = 0;
		}
		uint64_t f = flags[rnd() % (sizeof(flags) / sizeof(*flags))], g = rnd() % 8 ? 0 : rnd() % 3;
		int cmd = rnd() % 2 ? BPF_MAP_UPDATE_BATCH : BPF_MAP_DELETE_BATCH;
		if (rnd() % 8 == 0)	// all arguments are looked at in the same order
			cmd = rnd() % 2 ? BPF_MAP_LOOKUP_BATCH : BPF_MAP_LOOKUP_AND_DELETE_BATCH, f |= rnd() % 2 * 8;
		a.count = rnd() % 6 ? (uint32_t)(rnd() % 64) : 0;
		b = a;
		bool reads = cmd == BPF_MAP_LOOKUP_BATCH || cmd == BPF_MAP_LOOKUP_AND_DELETE_BATCH;
		if (reads && !f)
			b.count = a.count = 200;	// all: where buckets end is another matter
		int want = kernel_batch(kernel, cmd, a, true, f, g), got = our_batch(ours, cmd, b, true, f, g);
		ASSERT_EQ(got, want) << "command " << cmd << " flags " << f << " " << g << " count " << a.count;
		ASSERT_EQ(b.count, a.count) << "command " << cmd << " result " << want;
		if (n % 20 == 0) {
			int r1, r2;
			for (uint32_t room : {200u, 64u}) {
				auto theirs = read_all(c, ours.cpus, room, r1, [&](Batch &x, bool first) {
					return kernel_batch(kernel, BPF_MAP_LOOKUP_BATCH, x, first); });
				auto mine = read_all(c, ours.cpus, room, r2, [&](Batch &x, bool first) {
					return our_batch(ours, BPF_MAP_LOOKUP_BATCH, x, first); });
				ASSERT_EQ(mine, theirs);
				ASSERT_EQ(r2, r1);
			}
		}
	}
	int r1, r2;
	auto theirs = read_all(c, ours.cpus, 200, r1, [&](Batch &x, bool first) {
		return kernel_batch(kernel, BPF_MAP_LOOKUP_AND_DELETE_BATCH, x, first); });
	auto mine = read_all(c, ours.cpus, 200, r2, [&](Batch &x, bool first) {
		return our_batch(ours, BPF_MAP_LOOKUP_AND_DELETE_BATCH, x, first); });
	EXPECT_EQ(mine, theirs);
	EXPECT_EQ(r2, r1);
}

// Frozen or opened for one direction, everything that bpf() offers answers as in the kernel.
TEST_P(BatchDifferential, RightsAreTheKernels)
{
	for (uint32_t f : {0u, (uint32_t)MAP_F_RDONLY, (uint32_t)MAP_F_WRONLY}) {
		Case c = GetParam();
		c.m.flags |= f;
		KernelMap kernel(c.m);
		if (kernel.fd == -EPERM)
			GTEST_SKIP() << "bpf() is not permitted";
		MapMem ours(c.m, rt_cpu_possible());
		if (kernel.fd < 0) {
			EXPECT_EQ(rt_map_check(&c.m), kernel.fd);
			continue;
		}
		for (int frozen = 0; frozen < 3; frozen++) {
			std::string key = key_of(c, 0), value(rt_map_value_bytes(&c.m, ours.cpus) + 8, 0), next = key + "        ";
			union bpf_attr a;
			memset(&a, 0, sizeof(a));
			a.map_fd = (uint32_t)kernel.fd;
			if (frozen) {
				ASSERT_EQ(rt_map_freeze(&c.m, ours.base), KernelMap::call(BPF_MAP_FREEZE, a)) << f;
			}
			if (c.m.type != MAP_TYPE_prog_array && c.m.type != MAP_TYPE_cgroup_array) {	// whose values are descriptors
				ASSERT_EQ(rt_map_update(&c.m, ours.base, &key[0], &value[0], 0), kernel.update(&key[0], &value[0], 0)) << f << frozen;
			}
			ASSERT_EQ(rt_map_lookup(&c.m, ours.base, &key[0], &value[0], 0), kernel.lookup(&key[0], &value[0], 0)) << f << frozen;
			ASSERT_EQ(rt_map_next_key(&c.m, ours.base, nullptr, &next[0]), kernel.next(nullptr, &next[0])) << f << frozen;
			ASSERT_EQ(rt_map_take(&c.m, ours.base, &key[0], &value[0], 0), kernel.take(&key[0], &value[0], 0)) << f << frozen;
			ASSERT_EQ(rt_map_delete(&c.m, ours.base, &key[0]), kernel.remove(&key[0])) << f << frozen;
			for (int cmd : {BPF_MAP_LOOKUP_BATCH, BPF_MAP_LOOKUP_AND_DELETE_BATCH, BPF_MAP_UPDATE_BATCH, BPF_MAP_DELETE_BATCH}) {
				Batch b(c.m, ours.cpus), x = b;
				b.count = x.count = 1;
				ASSERT_EQ(our_batch(ours, cmd, x, true), kernel_batch(kernel, cmd, b, true)) << f << frozen << " " << cmd;
			}
		}
	}
}

INSTANTIATE_TEST_SUITE_P(Maps, BatchDifferential, testing::ValuesIn(cases),
			 [](const auto &i) { return std::string(i.param.name); });

// -ENOSPC: a bucket that has more entries than there is room for is not split.
TEST(Batch, ABucketIsWholeOrLeft)
{
	MapMem m(map_attrs(MAP_TYPE_hash, 4, 8, 64));
	Batch b(m.m, m.cpus);
	for (uint32_t i = 0; i < 64; i++) {
		uint64_t v = i;
		ASSERT_EQ(rt_map_update(&m.m, m.base, &i, &v, 0), 0);
	}
	std::set<uint32_t> seen;
	uint32_t room = 1;
	bool first = true, refused = false;
	for (int r = 0; r != -ENOENT;) {
		b.count = room;
		r = our_batch(m, BPF_MAP_LOOKUP_AND_DELETE_BATCH, b, first);
		first = false;
		ASSERT_TRUE(r == 0 || r == -ENOENT || r == -ENOSPC) << r;
		refused |= r == -ENOSPC;
		if (r == -ENOSPC) {
			ASSERT_EQ(b.count, 0u);
		}
		room = r == -ENOSPC ? room + 1 : 1;
		for (uint32_t i = 0; i < b.count; i++) {
			uint32_t k;
			uint64_t v;
			memcpy(&k, &b.keys[i * 4], 4);
			memcpy(&v, &b.values[i * 8], 8);
			EXPECT_EQ(k, v);
			EXPECT_TRUE(seen.insert(k).second);
		}
	}
	EXPECT_TRUE(refused);
	EXPECT_EQ(seen.size(), 64u);
	uint32_t k;
	EXPECT_EQ(rt_map_next_key(&m.m, m.base, nullptr, &k), -ENOENT);
}

// What the map says it holds may be nonsense; nothing is read or written outside.
TEST(Batch, PointersThatAreMissing)
{
	MapMem m(map_attrs(MAP_TYPE_hash, 4, 8, 8)), n(map_attrs(MAP_TYPE_array, 4, 8, 8));
	uint32_t at = 0, keys[8] = {};
	uint64_t values[8] = {};
	rt_batch full = {nullptr, &at, keys, values, 8, 0, 0};
	for (MapMem *x : {&m, &n})
		for (int gone = 0; gone < 3; gone++) {
			rt_batch b = full;
			(gone == 0 ? b.out : gone == 1 ? b.keys : b.values) = nullptr;
			EXPECT_EQ(rt_map_lookup_batch(&x->m, x->base, &b), -EFAULT);
		}
	rt_batch b = full;
	at = 1000;
	b.in = &at;
	EXPECT_EQ(rt_map_lookup_batch(&m.m, m.base, &b), -ENOENT);
	EXPECT_EQ(b.count, 0u);
}
