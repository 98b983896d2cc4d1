// SPDX-License-Identifier: MIT
// Counts are exact, whatever runs at the same time: what was reported as done is there once, what was
// reported as -EBUSY is not.
#include "storm.h"

#include <map>
#include <mutex>
#include <set>

#include "map_mem.h"

namespace {

uint64_t value_of(const MapMem &k, const void *key)	// of per-CPU kinds the sum
{
	uint64_t v[256] = {}, sum = 0;
	if (rt_map_lookup(&k.m, k.base, key, v, 0))
		return 0;
	for (uint64_t i = 0; i < rt_map_value_bytes(&k.m, k.cpus) / 8; i++)
		sum += v[i];
	return sum;
}

template <typename Key> std::set<std::string> keys_of(const MapMem &k)
{
	std::set<std::string> all;
	Key key, next;
	int r = rt_map_next_key(&k.m, k.base, nullptr, &key);
	for (; !r; key = next) {
		EXPECT_TRUE(all.insert(std::string((char *)&key, sizeof(key))).second);
		r = rt_map_next_key(&k.m, k.base, &key, &next);
	}
	return all;
}

struct StormOf : testing::TestWithParam<std::tuple<Weather, uint32_t>> {
	Weather weather() const { return std::get<0>(GetParam()); }
	uint32_t type() const { return std::get<1>(GetParam()); }
	Storm s;

	uint64_t n(int which) const { return s.c->n[which]; }
	// Every result that is no error of the subject's own is -EBUSY, and counted as such.
	void note(int64_t r, int done, int other, int64_t other_is)
	{
		if (!r)
			s.count(done);
		else if (r == other_is)
			s.count(other);
		else if (r == -EBUSY)
			s.count(BUSY);
		else
			s.count(WRONG);
	}
	enum { DONE, OTHER, DONE2, OTHER2, BUSY, WRONG, SUM };
	void check_results() const
	{
		EXPECT_EQ(n(WRONG), 0u) << "results that no such operation has";
		EXPECT_EQ(n(BUSY), s.c->busy) << "what was reported, and what is counted";
		EXPECT_GT(n(DONE), 0u);
	}
};

std::string name_of(const testing::TestParamInfo<std::tuple<Weather, uint32_t>> &i)
{
	std::string kind;
	switch (std::get<1>(i.param)) {
#define MAP(id_, name_, ...) case id_: kind = #name_; break;
#include "maps.def"
	}
	return std::string(weather_name(std::get<0>(i.param))) + "_" + kind;
}

#define WEATHERS testing::Values(THREADS, SIGNALS, FORKS, SHORT_THREADS, PROCESSES)
#define IN_ALL_WEATHERS(test_, ...)                                                       \
	INSTANTIATE_TEST_SUITE_P(In, test_, testing::Combine(WEATHERS, testing::Values(__VA_ARGS__)), name_of)

}  // namespace

// ---- counters ----

struct StormCounters : StormOf {};

// Found, or put there first; then an atomic add.
TEST_P(StormCounters, AtomicAddsAreExact)
{
	enum { KEYS = 24 };
	MapMem k(map_attrs(type(), 4, 8, KEYS), rt_cpu_possible());
	bool array = type() == MAP_TYPE_array || type() == MAP_TYPE_percpu_array;

	s.run(weather(), [&](uint32_t me, uint64_t seq) {
		uint32_t key = (uint32_t)((me + seq) % KEYS);
		uint64_t zero = 0;
		auto *v = (uint64_t *)bpftime_h_map_lookup_elem(&k.m, k.base, &key);
		if (!v && !array) {
			bpftime_h_map_update_elem(&k.m, k.base, &key, &zero, MAP_NOEXIST);
			v = (uint64_t *)bpftime_h_map_lookup_elem(&k.m, k.base, &key);
		}
		if (v)
			__atomic_fetch_add(v, 1, __ATOMIC_RELAXED);
		s.count(v ? DONE : OTHER);
	});
	uint64_t sum = 0;
	for (uint32_t key = 0; key < KEYS; key++)
		sum += value_of(k, &key);
	EXPECT_EQ(sum, n(DONE));
	EXPECT_EQ(n(DONE) + n(OTHER), s.c->calls);
	EXPECT_LE(n(OTHER), s.c->busy);
	printf("%llu calls, %llu busy\n", (unsigned long long)s.c->calls, (unsigned long long)s.c->busy);
}
IN_ALL_WEATHERS(StormCounters, MAP_TYPE_array, MAP_TYPE_percpu_array, MAP_TYPE_hash, MAP_TYPE_percpu_hash,
		MAP_TYPE_lru_hash, MAP_TYPE_lru_percpu_hash);

// ---- what comes and goes ----

struct StormChurn : StormOf {};

// Each insert that succeeded is there until a delete that succeeded.
TEST_P(StormChurn, InsertsMinusDeletesAreThere)
{
	struct Key {
		uint32_t bits, data;
	};
	enum { KEYS = 40, ENTRIES = 32 };
	bool lpm = type() == MAP_TYPE_lpm_trie;
	MapMem k(map_attrs(type(), 8, 8, ENTRIES, lpm ? MAP_F_NO_PREALLOC : 0), rt_cpu_possible());

	s.run(weather(), [&](uint32_t me, uint64_t seq) {
		Key key = {32, (uint32_t)(me * 7 + seq * 13) % KEYS};
		uint64_t v = key.data + 1;
		if ((me + seq) % 4 == 3) {
			uint64_t all[64];
			bpftime_h_map_lookup_elem(&k.m, k.base, &key);
			if (rt_map_lookup(&k.m, k.base, &key, all, 0))
				return;
			for (uint64_t i = 0; i < rt_map_value_bytes(&k.m, k.cpus) / 8; i++)
				if (all[i] && all[i] != key.data + 1)
					s.count(WRONG);
		} else if ((me + seq) % 4) {
			int64_t r = (int64_t)bpftime_h_map_update_elem(&k.m, k.base, &key, &v, MAP_NOEXIST);
			note(r == -E2BIG || r == -ENOSPC ? -EEXIST : r, DONE, OTHER, -EEXIST);
		} else {
			note((int64_t)bpftime_h_map_delete_elem(&k.m, k.base, &key), DONE2, OTHER2, -ENOENT);
		}
	});
	check_results();
	EXPECT_EQ(keys_of<Key>(k).size(), n(DONE) - n(DONE2));
	// No entry was lost: the map takes as many as ever.
	Key key;
	uint64_t v[64] = {};
	while (!rt_map_next_key(&k.m, k.base, nullptr, &key))
		ASSERT_EQ(rt_map_delete(&k.m, k.base, &key), 0);
	for (uint32_t i = 0; i <= ENTRIES; i++) {
		key = {32, 1000 + i};
		ASSERT_EQ(rt_map_update(&k.m, k.base, &key, v, 0), i < ENTRIES ? 0 : lpm ? -ENOSPC : -E2BIG) << i;
	}
}
IN_ALL_WEATHERS(StormChurn, MAP_TYPE_hash, MAP_TYPE_percpu_hash, MAP_TYPE_lpm_trie);

// Values are replaced whole: who copies one never sees parts of two.
struct StormValues : StormOf {};
TEST_P(StormValues, AreNeverTorn)
{
	struct Value {
		uint64_t v[6];
	};
	enum { KEYS = 4 };
	MapMem k(map_attrs(type(), 4, sizeof(Value), KEYS));
	std::atomic<bool> end{false};
	uint64_t torn = 0, read = 0;

	std::thread reader([&] {
		sigset_t all;
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, nullptr);
		bool last;	/* one more time after the end, however late this thread came */
		do {
			last = end;
			for (uint32_t key = 0; key < KEYS; key++) {
				Value v;
				if (rt_map_lookup(&k.m, k.base, &key, &v, 0))
					continue;
				read++;
				for (uint64_t x : v.v)
					torn += x != v.v[0];
			}
			usleep(10);
		} while (!last);
	});
	s.run(weather(), [&](uint32_t me, uint64_t seq) {
		uint32_t key = (uint32_t)(seq % KEYS);
		uint64_t x = (uint64_t)me << 32 | seq;
		Value v = {{x, x, x, x, x, x}};
		note((int64_t)bpftime_h_map_update_elem(&k.m, k.base, &key, &v, 0), DONE, WRONG, 1);
	});
	end = true;
	reader.join();
	check_results();
	EXPECT_EQ(torn, 0u);
	EXPECT_GT(read, 0u);
}
IN_ALL_WEATHERS(StormValues, MAP_TYPE_hash, MAP_TYPE_lru_hash);

// An LRU map takes every key, stays at its size, and what is in it is what was put there.
struct StormLru : StormOf {};
TEST_P(StormLru, TakesEveryKeyAndStaysFull)
{
	enum { ENTRIES = 100, KEYS = 1000 };
	MapMem k(map_attrs(type(), 4, 8, ENTRIES), rt_cpu_possible());

	s.run(weather(), [&](uint32_t me, uint64_t seq) {
		uint32_t key = (uint32_t)(me * 31 + seq * 7) % KEYS;
		uint64_t v = key * 3ull;
		if (seq % 5 == 4)
			return note((int64_t)bpftime_h_map_delete_elem(&k.m, k.base, &key), DONE2, OTHER2, -ENOENT);
		note((int64_t)bpftime_h_map_update_elem(&k.m, k.base, &key, &v, 0), DONE, OTHER, -ENOMEM);
	});
	check_results();
	/* A signal may come while its thread holds the shard, the more often the slower the machine. */
	EXPECT_LE(n(OTHER), n(DONE) / 10) << "updates that found nothing to evict";
	std::set<std::string> keys = keys_of<uint32_t>(k);
	EXPECT_LE(keys.size(), (size_t)ENTRIES);
	for (auto &key : keys) {
		uint64_t v[64];
		ASSERT_EQ(rt_map_lookup(&k.m, k.base, key.data(), v, 0), 0);
		for (uint64_t i = 0; i < rt_map_value_bytes(&k.m, k.cpus) / 8; i++)
			ASSERT_TRUE(!v[i] || v[i] == *(const uint32_t *)key.data() * 3ull);
	}
	// One that was on its way out while its shard was busy waits for the next who enters its bucket.
	for (uint32_t key = 0; key < 4 * KEYS; key++)
		rt_map_delete(&k.m, k.base, &key);
	for (uint32_t key = KEYS; key < KEYS + 2 * ENTRIES; key++) {
		uint64_t v[64] = {};
		ASSERT_EQ(rt_map_update(&k.m, k.base, &key, v, 0), 0);
	}
	EXPECT_EQ(keys_of<uint32_t>(k).size(), (size_t)ENTRIES);
}
IN_ALL_WEATHERS(StormLru, MAP_TYPE_lru_hash, MAP_TYPE_lru_percpu_hash);

// ---- queues, stacks ----

struct StormQueue : StormOf {};
TEST_P(StormQueue, NothingIsLostOrComesTwice)
{
	MapMem k(map_attrs(type(), 0, 16, 50));

	s.run(weather(), [&](uint32_t me, uint64_t seq) {
		uint64_t v[2] = {((uint64_t)me << 32 | seq) + 1, 0};
		v[1] = ~v[0];
		if ((me + seq) % 2) {
			int64_t r = (int64_t)bpftime_h_map_push_elem(&k.m, k.base, v, 0);
			note(r, DONE, OTHER, -E2BIG);
			if (!r)
				s.count(SUM, v[0]);
		} else {
			int64_t r = (int64_t)bpftime_h_map_pop_elem(&k.m, k.base, v);
			note(r ? r : v[1] == ~v[0] ? 0 : 1, DONE2, OTHER2, -ENOENT);
			if (!r)
				s.count(SUM, -v[0]);
		}
	});
	check_results();
	uint64_t left = 0, v[2];
	for (; !rt_map_take(&k.m, k.base, nullptr, v, 0); left++) {
		EXPECT_EQ(v[1], ~v[0]);
		s.count(SUM, -v[0]);
	}
	EXPECT_EQ(left, n(DONE) - n(DONE2));
	EXPECT_EQ(n(SUM), 0u);
}
IN_ALL_WEATHERS(StormQueue, MAP_TYPE_queue, MAP_TYPE_stack);

// ---- ring buffers ----

struct Record {
	uint64_t who, check;
	char body[48];
};

// Takes records until it is told to stop, and then what is left.
struct Consumer {
	const MapMem &ring;
	bool perf;
	std::atomic<bool> end{false};
	std::set<uint64_t> seen;
	uint64_t twice = 0, torn = 0;
	int failed = 0;
	std::thread t{[this] {
		sigset_t all;
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, nullptr);
		for (bool last = false; !failed;) {
			last = end;
			take();
			if (last)
				break;
			rt_ringbuf_wait(&ring.m, ring.base, 5);
		}
	}};

	Consumer(const MapMem &r, bool p) : ring(r), perf(p) {}
	void take()
	{
		const void *sample;
		uint32_t bytes;
		int r;
		while ((r = rt_ringbuf_peek(&ring.m, ring.base, &sample, &bytes)) == 1) {
			auto *rec = (const Record *)((const char *)sample + (perf ? sizeof(rt_perf_sample) : 0));
			twice += !seen.insert(rec->who).second;
			torn += rec->check != ~rec->who;
			for (char b : rec->body)
				torn += b != (char)rec->who;
			rt_ringbuf_consume(&ring.m, ring.base);
		}
		failed = r;
	}
	void stop()
	{
		end = true;
		t.join();
	}
};

struct StormRing : StormOf {
	void dropped()
	{
		s.count(OTHER);
		sched_yield();	// the consumer shall come to its turn
	}
};
TEST_P(StormRing, EveryRecordComesOnceAndDropsAreCounted)
{
	bool perf = type() == MAP_TYPE_perf_event_array;
	MapMem k(perf ? map_attrs(type(), 4, 4, 64) : map_attrs(type(), 0, 0, 1 << 15));
	Consumer consumer(k, perf);

	s.run(weather(), [&](uint32_t me, uint64_t seq) {
		Record rec = {(uint64_t)me << 32 | seq, 0, {}};
		rec.check = ~rec.who;
		memset(rec.body, (int)rec.who, sizeof(rec.body));
		if (perf) {
			uint64_t any_cpu = 0xffffffff;
			int64_t r = (int64_t)bpftime_h_perf_event_output(nullptr, &k.m, k.base, any_cpu, &rec, sizeof(rec));
			return r ? dropped() : s.count(DONE);
		}
		auto *to = (Record *)bpftime_h_ringbuf_reserve(&k.m, k.base, sizeof(rec), 0);
		if (!to)
			return dropped();
		*to = rec;
		if (seq % 8 == 7)
			return bpftime_h_ringbuf_discard(to, 0);
		bpftime_h_ringbuf_submit(to, 0);
		s.count(DONE);
	});
	consumer.stop();
	EXPECT_EQ(consumer.failed, 0);
	EXPECT_EQ(consumer.twice, 0u);
	EXPECT_EQ(consumer.torn, 0u);
	EXPECT_EQ(consumer.seen.size(), n(DONE)) << "records lost, or made up";
	EXPECT_EQ(n(OTHER), rt_ringbuf_drops(k.base) + s.c->busy) << "drops that nobody counted";
	printf("%llu records, %llu drops, %llu busy\n", (unsigned long long)n(DONE),
	       (unsigned long long)rt_ringbuf_drops(k.base), (unsigned long long)s.c->busy);
}
IN_ALL_WEATHERS(StormRing, MAP_TYPE_ringbuf, MAP_TYPE_perf_event_array);

// ---- Bloom filters ----

struct StormBloom : StormOf {};
TEST_P(StormBloom, NothingThatWasPushedIsForgotten)
{
	MapMem k(map_attrs(type(), 0, 8, 1000000));
	s.run(weather(), [&](uint32_t me, uint64_t seq) {
		uint64_t v = (uint64_t)me << 32 | seq;
		note((int64_t)bpftime_h_map_push_elem(&k.m, k.base, &v, 0), DONE, WRONG, 1);
		note((int64_t)bpftime_h_map_peek_elem(&k.m, k.base, &v), DONE2, WRONG, 1);
	});
	check_results();
	EXPECT_EQ(n(DONE), s.c->calls);
	EXPECT_EQ(n(DONE2), s.c->calls);
}
IN_ALL_WEATHERS(StormBloom, MAP_TYPE_bloom_filter);
