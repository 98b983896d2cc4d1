// SPDX-License-Identifier: MIT
// Somebody writes garbage into a map's file, all of it, header, locks and positions, while programs and
// processes are at work on it: they get wrong answers, touch nothing outside of it, and come back.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "map_mem.h"
#include "rt_helpers.h"

namespace {

constexpr size_t AROUND = 1ull << 39;	// further than any 32-bit index leads

// The map's pages, far from everything else.
struct Alone : MapMem {
	char *all = nullptr, *there = nullptr;

	explicit Alone(const bpftime_map &m) : MapMem(m, rt_cpu_possible())
	{
		if (!file)
			return;
		all = (char *)mmap(nullptr, 2 * AROUND, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
				   -1, 0);
		if (all == MAP_FAILED)
			return;
		size_t data = rt_map_size(&this->m, cpus) + MAPFMT_HEADER_BYTES, twice = bytes - data;
		there = all + AROUND;
		if (mmap(there, data, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) != there ||
		    (twice && mmap(there + data, twice, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
				   (off_t)(data - twice)) != there + data))
			abort();
		base = there + MAPFMT_HEADER_BYTES;
	}
	~Alone()
	{
		if (all && all != MAP_FAILED)
			munmap(all, 2 * AROUND);
	}
};

uint64_t garbage(std::mt19937_64 &rnd)
{
	switch (rnd() % 8) {
	case 0: return rnd();
	case 1: return rnd() % 256;
	case 2: return ~0ull;
	case 3: return rnd() & 0xffffffff80000003;
	case 4: return 1ull << rnd() % 64;
	default: return 0;
	}
}

std::chrono::milliseconds duration()
{
	const char *ms = getenv("BPFTIME_HOSTILE_MS");
	return std::chrono::milliseconds(ms ? atoi(ms) : 300);
}

bpftime_map attrs(uint32_t type)
{
	bool ring = type == MAP_TYPE_ringbuf || type == MAP_TYPE_user_ringbuf, lpm = type == MAP_TYPE_lpm_trie;
	bool keyless = ring || type == MAP_TYPE_queue || type == MAP_TYPE_stack || type == MAP_TYPE_bloom_filter;
	bool tasks = type == MAP_TYPE_task_storage;
	if (type == MAP_TYPE_arena)
		return map_attrs(type, 0, 0, 100, MAP_F_MMAPABLE);
	bpftime_map m = map_attrs(type, keyless ? 0 : lpm ? 8 : 4, ring ? 0 : type == MAP_TYPE_stack_trace ? 64 : 4,
				  ring ? 4096 : tasks ? 0 : 100, lpm || tasks ? (uint32_t)MAP_F_NO_PREALLOC : 0);
	m.key_btf_id = m.value_btf_id = tasks;
	return m;
}

struct Work {
	MapMem &k;
	std::mt19937_64 rnd{7};
	uint64_t key[2] = {}, ctx[64] = {};
	std::vector<char> value = std::vector<char>(1 << 16);

	// A value that the program was given is the program's.
	void touch(void *p)
	{
		if (p)
			*(volatile uint32_t *)p = *(volatile uint32_t *)p + 1;
	}
	void program()
	{
		helper_each at = {};
		helper_drain drain = {};
		key[0] = rnd() % 130 | (rnd() % 3 << 32);
		touch(bpftime_h_map_lookup_elem(&k.m, k.base, key));
		switch (rnd() % 4) {
		case 0: bpftime_h_map_update_elem(&k.m, k.base, key, value.data(), rnd() % 3); break;
		case 1: bpftime_h_map_delete_elem(&k.m, k.base, key); break;
		case 2:
			while (void *v = bpftime_h_for_each_map_elem(&k.m, k.base, &at))
				touch(v);
			break;
		}
		switch (k.m.type) {
		case MAP_TYPE_ringbuf: {
			void *s = bpftime_h_ringbuf_reserve(&k.m, k.base, rnd() % 200, 0);
			touch(s);
			if (s)
				bpftime_h_ringbuf_submit(s, rnd() % 2);
			bpftime_h_ringbuf_output(&k.m, k.base, value.data(), rnd() % 4000, 0);
			break;
		}
		case MAP_TYPE_user_ringbuf:
			for (int n = 0; n < 1000 && bpftime_h_user_ringbuf_drain(&k.m, k.base, &drain); n++)
				if (bpftime_h_dynptr_size(drain.dynptr) >= 4)
					touch(bpftime_h_dynptr_data(drain.dynptr, 0, 4));
			drain.stop = true;
			if (drain.begun)
				bpftime_h_user_ringbuf_drain(&k.m, k.base, &drain);
			break;
		case MAP_TYPE_perf_event_array:
			bpftime_h_perf_event_output(ctx, &k.m, k.base, 0xffffffff, value.data(), rnd() % 4000);
			break;
		case MAP_TYPE_queue:
		case MAP_TYPE_stack:
		case MAP_TYPE_bloom_filter:
			bpftime_h_map_push_elem(&k.m, k.base, value.data(), rnd() % 2 * 2);
			bpftime_h_map_pop_elem(&k.m, k.base, value.data());
			bpftime_h_map_peek_elem(&k.m, k.base, value.data());
			break;
		case MAP_TYPE_arena:
			bpftime_h_arena_alloc_pages(&k.m, k.base, rnd() % 2 ? rnd() : 0, rnd() % 120, 0, 0);
			bpftime_h_arena_free_pages(&k.m, k.base, rnd(), rnd());
			bpftime_h_arena_reserve_pages(&k.m, k.base, rnd() & ~0xfffull, rnd() % 120);
			break;
		case MAP_TYPE_task_storage:
			touch(bpftime_h_task_storage_get(&k.m, k.base, HELPER_TASK, value.data(), 1));
			if (rnd() % 2)
				bpftime_h_task_storage_delete(&k.m, k.base, HELPER_TASK);
			break;
		case MAP_TYPE_percpu_array:
		case MAP_TYPE_percpu_hash:
		case MAP_TYPE_lru_percpu_hash:
			touch(bpftime_h_map_lookup_percpu_elem(&k.m, k.base, key, rnd() % 4));
			break;
		}
	}
	void process()
	{
		std::vector<char> keys(k.m.key_size * 64 + 16);
		const void *sample;
		uint32_t bytes;
		rt_batch b = {};

		rt_map_lookup(&k.m, k.base, key, value.data(), 0);
		rt_map_update(&k.m, k.base, key, value.data(), 0);
		rt_map_take(&k.m, k.base, key, value.data(), 0);
		rt_map_next_key(&k.m, k.base, rnd() % 2 ? key : nullptr, key);
		b.out = key;
		b.keys = keys.data();
		b.values = value.data();
		b.count = 64;
		(rnd() % 2 ? rt_map_lookup_batch : rt_map_take_batch)(&k.m, k.base, &b);
		if (k.m.type == MAP_TYPE_ringbuf || k.m.type == MAP_TYPE_perf_event_array)
			for (int n = 0; n < 100 && rt_ringbuf_peek(&k.m, k.base, &sample, &bytes) == 1; n++) {
				for (uint32_t i = 0; i < bytes; i += 64)
					(void)((volatile const char *)sample)[i];
				rt_ringbuf_consume(&k.m, k.base);
			}
		if (k.m.type == MAP_TYPE_user_ringbuf)
			rt_user_ringbuf_push(&k.m, k.base, value.data(), rnd() % 4000);
	}
};

}

struct RtHostile : testing::TestWithParam<uint32_t> {};

TEST_P(RtHostile, NothingOutsideIsTouched)
{
	Alone k(attrs(GetParam()));
	ASSERT_NE(k.file, nullptr);
	if (!k.there)
		GTEST_SKIP() << "no address space to put a map alone into";
	size_t words = (MAPFMT_HEADER_BYTES + rt_map_size(&k.m, k.cpus)) / 8;
	std::atomic<bool> stop{false};
	std::thread scribbler([&] {
		std::mt19937_64 rnd(GetParam());
		volatile uint64_t *w = (volatile uint64_t *)k.file;
		while (!stop)
			for (size_t n = rnd() % 64, at = rnd() % words; n--; at = (at + 1) % words) {
				if (rnd() % 2)
					w[at] = garbage(rnd);
				else
					((volatile uint32_t *)w)[at * 2 + rnd() % 2] = (uint32_t)garbage(rnd);
			}
	});
	Work work{k};
	auto end = std::chrono::steady_clock::now() + duration();
	do {
		work.program();
		work.process();
	} while (std::chrono::steady_clock::now() < end);
	stop = true;
	scribbler.join();
}

static std::vector<uint32_t> kinds()
{
	std::vector<uint32_t> v;
#define MAP(id_, name_, key_, value_, place_)                                                      \
	if (!map_row(id_)->refused && !map_holds_maps(id_))                                        \
		v.push_back(id_);
#include "maps.def"
	return v;
}

INSTANTIATE_TEST_SUITE_P(Kinds, RtHostile, testing::ValuesIn(kinds()),
			 [](const auto &info) { return std::string(map_row(info.param)->name); });

// Positions that no producer wrote: further apart than the ring is long.
TEST(RtDamaged, ARingsPositionsAreNotWalkedForEver)
{
	MapMem k(map_attrs(MAP_TYPE_ringbuf, 0, 0, 4096));
	uint64_t *consumer = (uint64_t *)k.base, *producer = (uint64_t *)((char *)k.base + 4096);
	const void *sample;
	uint32_t bytes;

	*producer = 1ull << 60;
	EXPECT_EQ(bpftime_h_ringbuf_reserve(&k.m, k.base, 8, 0), nullptr);
	EXPECT_GT(rt_ringbuf_drops(k.base), 0u);
	EXPECT_EQ(rt_ringbuf_wait(&k.m, k.base, 0), -EIO);
	// Nothing but discarded records, as far as positions go.
	for (unsigned at = 8192; at < 8192 + 4096; at += 8)
		*(uint32_t *)((char *)k.base + at) = 0x40000000;
	EXPECT_EQ(rt_ringbuf_peek(&k.m, k.base, &sample, &bytes), -EIO);
	*consumer = (1ull << 60) - 4096;
	EXPECT_EQ(rt_ringbuf_peek(&k.m, k.base, &sample, &bytes), 0);
}

// The number of CPUs in the header is the file's, the memory behind base is not.
TEST(RtDamaged, TheHeadersNumberOfCpusIsNotBelieved)
{
	for (uint32_t type : {MAP_TYPE_percpu_hash, MAP_TYPE_lru_percpu_hash, MAP_TYPE_percpu_array}) {
		MapMem k(map_attrs(type, 4, 8, 16));
		std::vector<uint64_t> value(k.cpus * 2, 7);
		uint32_t key = 3;

		((mapfmt_header *)k.file)->cpu_count = 1 << 30;
		EXPECT_EQ(bpftime_h_map_update_elem(&k.m, k.base, &key, value.data(), 0), 0u);
		EXPECT_EQ(rt_map_update(&k.m, k.base, &key, value.data(), 0), 0);
		value.assign(value.size(), 9);
		EXPECT_EQ(rt_map_lookup(&k.m, k.base, &key, value.data(), 0), 0);
		for (uint32_t c = 0; c < value.size(); c++)
			EXPECT_EQ(value[c], c < k.cpus ? 7u : 9u);
	}
}
