// SPDX-License-Identifier: MIT
// Damaged map files: every one is refused or read without harm, and reading it ends.
#include <gtest/gtest.h>

#include <bpf/libbpf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <random>
#include <string>

#include "entry.h"
#include "hist.h"
#include "ring.h"
#include "rt_maps.h"

static unsigned mutations()
{
	const char *n = getenv("BPFTIME_MUTATIONS");
	return n ? (unsigned)atoi(n) : 150;
}

struct Hostile : testing::TestWithParam<uint32_t> {
	char dir[40] = "/tmp/bpftime-hostile-XXXXXX";
	struct mapdir d = {};
	std::string path, good;

	void SetUp() override
	{
		uint32_t cpus = libbpf_num_possible_cpus();
		uint8_t stamp[8] = {};
		struct bpftime_map m = {};
		m.type = GetParam();
		bool ring = m.type == MAP_TYPE_ringbuf || m.type == MAP_TYPE_user_ringbuf;
		bool arena = m.type == MAP_TYPE_arena;
		bool keyless = ring || arena || m.type == MAP_TYPE_queue || m.type == MAP_TYPE_stack ||
			       m.type == MAP_TYPE_bloom_filter;
		bool lpm = m.type == MAP_TYPE_lpm_trie;
		m.key_size = keyless ? 0 : lpm ? 8 : 4;
		bool tasks = m.type == MAP_TYPE_task_storage;	// keys are thread ids: some there are
		m.flags = lpm || tasks ? MAP_F_NO_PREALLOC : arena ? MAP_F_MMAPABLE : 0;
		m.key_btf_id = m.value_btf_id = tasks;
		m.value_size = ring || arena ? 0 : m.type == MAP_TYPE_stack_trace ? 8 : 4;
		m.max_entries = ring ? 4096 : tasks ? 0 : 64;
		ASSERT_NE(mkdtemp(dir), nullptr);
		ASSERT_EQ(mkdir((std::string(dir) + "/o").c_str(), 0700), 0);
		path = std::string(dir) + "/o/m";
		size_t bytes = MAPFMT_HEADER_BYTES + rt_map_size(&m, cpus);
		ASSERT_GT(bytes, (size_t)MAPFMT_HEADER_BYTES);
		// rt_maps.h: a ring's data may be touched twice as far
		char *p = (char *)aligned_alloc(4096, bytes + m.max_entries * 2 + 8192);
		memset(p, 0, bytes);
		auto *h = (struct mapfmt_header *)p;
		rt_map_header(h, &m, cpus, "m", "o", stamp);
		rt_map_format(&m, p + MAPFMT_HEADER_BYTES, cpus);
		h->state = MAPFMT_READY;
		for (uint32_t i = 0; i < 40 && !ring; i++) {
			std::string v(rt_map_value_bytes(&m, cpus), (char)i);
			uint32_t key[2] = {i, i << 27};	// of a trie: a prefix of i bits
			rt_map_update(&m, p + MAPFMT_HEADER_BYTES, key, v.data(), 0);
		}
		if (ring || m.type == MAP_TYPE_perf_event_array)
			fill_ring(p + MAPFMT_HEADER_BYTES);
		good.assign(p, bytes);
		free(p);
		struct diags dg = {};
		ASSERT_EQ(mapdir_open(&d, dir, &dg), 0);
	}
	void TearDown() override
	{
		mapdir_close(&d);
		(void)!system(("rm -rf " + std::string(dir)).c_str());
	}
	static void fill_ring(char *base)
	{
		uint64_t pos = 0;
		for (uint32_t len = 1; len < 60; len++) {
			memcpy(base + 8192 + pos, &len, 4);
			pos += (len + 15) & ~7u;
		}
		memcpy(base + 4096, &pos, 8);
	}
	void write(const std::string &bytes)
	{
		int fd = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
		ASSERT_GE(fd, 0);
		ASSERT_EQ(pwrite(fd, bytes.data(), bytes.size(), 0), (ssize_t)bytes.size());
		close(fd);
	}
	// What every command does with a map; true when it was opened.
	bool read()
	{
		struct arena *a = arena_new();
		struct diags dg = {};
		struct mapfile m;
		bool opened = mapfile_open(&d, a, "m", &m, &dg) == 0;
		if (opened && (m.h.type == MAP_TYPE_ringbuf || m.h.type == MAP_TYPE_perf_event_array)) {
			struct ring_record rec;
			EXPECT_EQ(ring_open(&m, &dg), 0);
			uint64_t sum = 0;
			while (ring_next(&m, &rec, &dg) == 1) {
				for (uint32_t i = 0; i < rec.len; i++)
					sum += ((const uint8_t *)rec.data)[i];
				ring_done(&m);
			}
			(void)sum;
		} else if (opened) {
			struct entry_keys k;
			struct hist_list l;
			char *v = (char *)arena_alloc(a, m.value_bytes + 8);
			if (entry_keys(&m, a, &k, &dg) == 0)
				for (size_t i = 0; i < k.n; i++)
					entry_get(&m, k.key + i * m.h.key_size, v, &dg);
			hist_read(&m, a, &l, &dg);
			memset(v, 0, m.value_bytes);
			rt_map_take(&m.m, m.base, "\3\0\0\0\0\0\0\0", v, 0);
			uint32_t key[2] = {3, 3};
			entry_set(&m, key, v, 0, &dg);
			entry_delete(&m, key, &dg);
		}
		if (opened)
			mapfile_close(&m);
		arena_free(a);
		return opened;
	}
};

TEST_P(Hostile, DamagedFilesDoNoHarm)
{
	std::mt19937 rng(GetParam());
	unsigned opened = 0;
	write(good);
	ASSERT_TRUE(read());
	for (unsigned i = 0; i < mutations(); i++) {
		std::string bad = good;
		// Half of them leave the header alone: those are opened.
		size_t from = i % 2 ? MAPFMT_HEADER_BYTES : 0, to = i % 2 ? bad.size() : 240;
		for (unsigned k = rng() % 6 + 1; k--;) {
			size_t at = from + rng() % (to - from);
			if (rng() % 2)
				at &= ~(size_t)7;
			for (unsigned n = rng() % 8 + 1; n-- && at < to; at++)
				bad[at] = rng() % 3 ? (char)rng() : (char)-(int)(rng() % 2);
		}
		if (i % 7 == 0)
			bad.resize(rng() % bad.size());
		write(bad);
		auto begin = std::chrono::steady_clock::now();
		opened += read();
		ASSERT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20)) << i;
	}
	EXPECT_GT(opened, mutations() / 4);
}

static std::vector<uint32_t> kinds()
{
	std::vector<uint32_t> v;
#define MAP(id_, name_, key_, value_, place_) v.push_back(id_);
#include "maps.def"
	return v;
}

INSTANTIATE_TEST_SUITE_P(Kinds, Hostile, testing::ValuesIn(kinds()),
			 [](const auto &info) { return std::string(map_row(info.param)->name); });
