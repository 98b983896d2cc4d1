// SPDX-License-Identifier: MIT
// Perf event arrays: records come out as they went in, also between kills; and per-CPU values by CPU.
#include <gtest/gtest.h>
#include <sched.h>

#include <vector>

#include "kill_kinds.h"

extern "C" __attribute__((visibility("hidden"))) uint32_t bpftime_rt1_cpus;

namespace {

enum : uint64_t { CURRENT_CPU = 0xffffffff };

int64_t output(MapMem &k, uint64_t flags, const void *data, uint64_t bytes)
{
	return (int64_t)bpftime_h_perf_event_output(nullptr, &k.m, k.base, flags, data, bytes);
}

struct Pinned {	// to one CPU
	cpu_set_t was;
	explicit Pinned(int cpu)
	{
		cpu_set_t one;
		sched_getaffinity(0, sizeof(was), &was);
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
	}
	~Pinned() { sched_setaffinity(0, sizeof(was), &was); }
};

}  // namespace

TEST(Perf, RecordsSayWhereTheyAreFrom)
{
	MapMem k(map_attrs(MAP_TYPE_perf_event_array, 4, 4, 0));
	int cpus = (int)rt_cpu_possible();
	ASSERT_NE(k.base, nullptr);
	for (int n = 0; n < 20000; n++) {
		int cpu = n / 100 % cpus;
		Pinned p(cpu);
		std::string sent((size_t)(n % 300), (char)n);
		ASSERT_EQ(output(k, n % 2 ? CURRENT_CPU : (uint64_t)cpu, sent.data(), sent.size()), 0) << n;
		const void *sample;
		uint32_t bytes;
		ASSERT_EQ(rt_ringbuf_peek(&k.m, k.base, &sample, &bytes), 1);
		auto *s = (const rt_perf_sample *)sample;
		ASSERT_EQ(s->cpu, (uint32_t)cpu);
		ASSERT_EQ(bytes, sizeof(*s) + s->bytes);
		ASSERT_EQ(std::string((const char *)s->data, s->bytes), sent);
		rt_ringbuf_consume(&k.m, k.base);
	}
}

TEST(Perf, Errno)
{
	MapMem k(map_attrs(MAP_TYPE_perf_event_array, 4, 4, 1));
	Pinned p(0);
	char data[64] = {};
	EXPECT_EQ(output(k, 1ull << 32, data, 8), -EINVAL);
	EXPECT_EQ(output(k, 1, data, 8), -E2BIG);
	MapMem two(map_attrs(MAP_TYPE_perf_event_array, 4, 4, 8));
	EXPECT_EQ(output(two, 1, data, 8), -EOPNOTSUPP);
	int64_t r = 0;
	for (int n = 0; !r; n++) {
		r = output(k, CURRENT_CPU, data, sizeof(data));
		ASSERT_LT(n, 100000);
	}
	EXPECT_EQ(r, -ENOSPC);
	EXPECT_GT(rt_ringbuf_drops(k.base), 0u);
}

TEST(Perf, KillsLoseNoRecord)
{
	KillRun run(map_attrs(MAP_TYPE_perf_event_array, 4, 4, 0));
	struct Record {
		uint64_t who, seq, check[5];
	};
	uint64_t seen[KillRun::CHILDREN] = {}, last[KillRun::CHILDREN] = {};
	auto produce = [](KillRun &r, uint32_t me, std::mt19937_64 &) {
		Record rec = {me, r.log[me].begun, {}};
		for (auto &c : rec.check)
			c = rec.seq * 7;
		int e = (int)output(r.map, CURRENT_CPU, &rec, sizeof(rec));
		r.log[me].note[0] += !e;
		if (e && e != -ENOSPC)
			_exit(10);
		return e;
	};
	auto consume = [&](KillRun &r) {
		const void *sample;
		uint32_t bytes;
		while (rt_ringbuf_peek(&r.map.m, r.map.base, &sample, &bytes) == 1) {
			Record rec;
			memcpy(&rec, ((const rt_perf_sample *)sample)->data, sizeof(rec));
			ASSERT_LT(rec.who, (uint64_t)KillRun::CHILDREN);
			ASSERT_GT(rec.seq, last[rec.who]);
			for (auto c : rec.check)
				ASSERT_EQ(c, rec.seq * 7);
			last[rec.who] = rec.seq;
			seen[rec.who]++;
			rt_ringbuf_consume(&r.map.m, r.map.base);
		}
	};
	run.go(produce, consume);
	for (int i = 0; i < 5; i++) {
		consume(run);
		rt_ringbuf_wait(&run.map.m, run.map.base, 150);
	}
	for (uint32_t c = 0; c < KillRun::CHILDREN; c++) {
		EXPECT_GE(seen[c], run.log[c].note[0]);
		EXPECT_LE(seen[c], run.log[c].note[0] + run.killed[c]);
	}
}

TEST(PerCpu, ValuesByCpu)
{
	uint32_t cpus = rt_cpu_possible(), was = bpftime_rt1_cpus;
	bpftime_rt1_cpus = cpus;
	for (uint32_t type : {MAP_TYPE_percpu_array, MAP_TYPE_percpu_hash, MAP_TYPE_lru_percpu_hash}) {
		MapMem k(map_attrs(type, 4, 8, 10), cpus);
		for (uint32_t key = 0; key < 10; key++)
			for (uint32_t cpu = 0; cpu < cpus; cpu++) {
				Pinned p((int)cpu);
				uint64_t v = key * 100 + cpu;
				ASSERT_EQ(bpftime_h_map_update_elem(&k.m, k.base, &key, &v, 0), 0u);
				ASSERT_EQ(bpftime_h_map_lookup_percpu_elem(&k.m, k.base, &key, cpu),
					  bpftime_h_map_lookup_elem(&k.m, k.base, &key));
			}
		for (uint32_t key = 0; key < 10; key++) {
			std::vector<uint64_t> all(cpus);
			ASSERT_EQ(rt_map_lookup(&k.m, k.base, &key, all.data(), 0), 0);
			for (uint32_t cpu = 0; cpu < cpus; cpu++) {
				auto *v = (uint64_t *)bpftime_h_map_lookup_percpu_elem(&k.m, k.base, &key, cpu);
				ASSERT_NE(v, nullptr);
				EXPECT_EQ(*v, key * 100 + cpu);
				EXPECT_EQ(all[cpu], *v);
			}
			EXPECT_EQ(bpftime_h_map_lookup_percpu_elem(&k.m, k.base, &key, cpus), nullptr);
			uint32_t none = key + 10;
			EXPECT_EQ(bpftime_h_map_lookup_percpu_elem(&k.m, k.base, &none, 0), nullptr);
		}
	}
	bpftime_rt1_cpus = was;
}
