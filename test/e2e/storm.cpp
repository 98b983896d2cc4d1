// SPDX-License-Identifier: MIT
// A patched program whose threads, signal handlers and children all hit one hook at once: what the maps
// hold is what the hook was answered, to the last call.
#include "e2e.h"

#include <future>
#include <set>
#include <vector>

#include "mapfile.h"
#include "rt_maps.h"
#include "storm.h"

namespace {

struct Kind {
	const char *name, *shortened, *full;	// N, see storm.c
};
void PrintTo(const Kind &k, std::ostream *o) { *o << k.name; }

const Kind kinds[] = {
	{"threads", "300", "30000"},	  {"short_threads", "20", "2000"}, {"signals", "400", "50000"},
	{"forks", "100", "5000"},	  {"processes", "1000", "10000"},
};

// A map of the program, opened once it is there.
struct Map {
	struct arena *a = arena_new();
	struct diags dg = {};
	struct mapdir d;
	struct mapfile m;
	bool open = false;

	Map(const std::string &dir, const std::string &name, int tries = 500)
	{
		while (!open && tries--) {
			if (mapdir_open(&d, dir.c_str(), &dg))
				break;
			open = !mapfile_open(&d, a, ("storm/" + name).c_str(), &m, &dg);
			if (!open) {
				mapdir_close(&d);
				usleep(10000);
			}
		}
	}
	~Map()
	{
		if (open) {
			mapfile_close(&m);
			mapdir_close(&d);
		}
		arena_free(a);
	}
	uint64_t at(uint32_t key) const
	{
		std::vector<uint64_t> v(m.value_bytes / 8);
		uint64_t sum = 0;
		if (!rt_map_lookup(&m.m, m.base, &key, v.data(), 0))
			for (uint64_t x : v)
				sum += x;
		return sum;
	}
	uint64_t sum() const
	{
		uint64_t s = 0;
		for (uint32_t k = 0; k < STORM_KEYS; k++)
			s += at(k);
		return s;
	}
	uint64_t keys() const
	{
		uint64_t n = 0;
		uint32_t key, next;
		for (int r = rt_map_next_key(&m.m, m.base, nullptr, &key); !r; key = next, n++)
			r = rt_map_next_key(&m.m, m.base, &key, &next);
		return n;
	}
	// How many values are left, and their sum.
	uint64_t drain(uint64_t *sum) const
	{
		uint64_t n = 0, v;
		for (*sum = 0; !rt_map_take(&m.m, m.base, nullptr, &v, 0); n++)
			*sum += v;
		return n;
	}
};

struct Storm : testing::TestWithParam<Kind> {
	Scratch tmp;
	std::string maps = tmp / "maps";
	std::set<uint64_t> seen;
	uint64_t twice = 0, torn = 0;

	void take(const Map &ring)
	{
		const void *sample;
		uint32_t bytes;
		while (rt_ringbuf_peek(&ring.m.m, ring.m.base, &sample, &bytes) == 1) {
			auto *r = (const storm_record *)sample;
			twice += !seen.insert(r->id).second;
			torn += r->check != ~r->id || bytes != sizeof(*r);
			rt_ringbuf_consume(&ring.m.m, ring.m.base);
		}
	}
	uint64_t busy()
	{
		Output r = shell(bin + "bpftime-ctl hooks --dir " + maps + " --json");
		std::smatch m;
		return std::regex_search(r.text, m, std::regex("\"busy\":([0-9]+)")) ? std::stoull(m[1]) : UINT64_MAX;
	}
};

}  // namespace

TEST_P(Storm, EverythingAddsUp)
{
	const Kind &k = GetParam();
	std::string plain = tmp / "storm", patched = tmp / "patched";
	ASSERT_EQ(shell("gcc -O2 -pthread " BPFTIME_TEST_DIR "/e2e/storm.c -o " + plain).text, "");
	Output made = shell(bin + "bpftime-patch --binary " + plain + " --map-dir " + maps + " -o " + patched +
			 " " BPFTIME_E2E_STORM);
	ASSERT_EQ(made.status, 0) << made;
	auto run = std::async(std::launch::async, [&] {
		return shell(patched + " " + k.name + " " + (getenv("BPFTIME_STORM") ? k.full : k.shortened));
	});
	Map ring(maps, "records");
	ASSERT_TRUE(ring.open);
	while (run.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready)
		take(ring);
	Output ran = run.get();
	take(ring);
	ASSERT_EQ(ran.status, 0) << ran;
	const uint64_t calls = std::stoull(ran.text);
	Map results(maps, "results"), by_key(maps, "by_key"), by_key_cpu(maps, "by_key_cpu"),
		by_cpu(maps, "by_cpu"), churn(maps, "churn"), lru(maps, "lru"), queue(maps, "queue"),
		stack(maps, "stack");
	ASSERT_TRUE(results.open && by_key.open && by_key_cpu.open && by_cpu.open && churn.open && lru.open &&
		    queue.open && stack.open);
	auto n = [&](uint32_t which) { return results.at(which); };

	EXPECT_EQ(n(STORM_CALLS), calls);
	EXPECT_EQ(n(STORM_WRONG), 0u) << "answers that no such operation has, or a wrong pid or tid";
	EXPECT_EQ(by_cpu.sum(), calls);
	EXPECT_EQ(by_key.sum(), calls - n(STORM_NOT_COUNTED));
	EXPECT_EQ(by_key_cpu.sum(), calls - n(STORM_NOT_COUNTED_CPU));
	EXPECT_LE(n(STORM_NOT_COUNTED) + n(STORM_NOT_COUNTED_CPU), n(STORM_COUNT_BUSY));
	EXPECT_EQ(churn.keys(), n(STORM_INSERT) - n(STORM_DELETE));
	EXPECT_LE(lru.keys(), (uint64_t)STORM_KEYS / 2);
	EXPECT_LE(n(STORM_LRU + 1), n(STORM_LRU) / 100) << "updates that found nothing to evict";
	uint64_t left, sum;
	left = queue.drain(&sum);
	EXPECT_EQ(left, n(STORM_QUEUE) - n(STORM_QUEUE + 3));
	EXPECT_EQ(sum, n(STORM_QUEUE + 6));
	left = stack.drain(&sum);
	EXPECT_EQ(left, n(STORM_STACK) - n(STORM_STACK + 3));
	EXPECT_EQ(sum, n(STORM_STACK + 6));
	EXPECT_EQ(twice, 0u);
	EXPECT_EQ(torn, 0u);
	EXPECT_EQ(seen.size(), n(STORM_SENT)) << "records lost, or made up";
	EXPECT_EQ(n(STORM_SENT) + n(STORM_DROP), calls);
	const uint64_t drops = rt_ringbuf_drops(ring.m.base);
	uint64_t reported = n(STORM_COUNT_BUSY) + n(STORM_INSERT + 2) + n(STORM_DELETE + 2) + n(STORM_LRU + 2) +
			    n(STORM_QUEUE + 2) + n(STORM_QUEUE + 5) + n(STORM_STACK + 2) + n(STORM_STACK + 5);
	EXPECT_EQ(busy(), reported + n(STORM_DROP) - drops) << "-EBUSY that nobody counted, or drops";
	printf("%s: %llu calls, %llu records, %llu dropped, %llu busy\n", k.name, (unsigned long long)calls,
	       (unsigned long long)seen.size(), (unsigned long long)drops,
	       (unsigned long long)(reported + n(STORM_DROP) - drops));
}

INSTANTIATE_TEST_SUITE_P(Of, Storm, testing::ValuesIn(kinds), [](const auto &i) { return std::string(i.param.name); });
