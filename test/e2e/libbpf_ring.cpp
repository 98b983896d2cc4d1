// SPDX-License-Identifier: MIT
// libbpf's own ring buffer consumer, unchanged, reads what a patched program writes.
#include "libbpf_shim.h"
#include "e2e.h"

#include <bpf/libbpf.h>

#include <future>
#include <set>

#include "rt_maps.h"
#include "storm.h"

namespace {

struct Seen {
	std::set<uint64_t> ids;
	uint64_t twice = 0, torn = 0;
};

int on_record(void *ctx, void *data, size_t bytes)
{
	auto &s = *(Seen *)ctx;
	auto *r = (const storm_record *)data;
	s.torn += bytes != sizeof(*r) || r->check != ~r->id;
	s.twice += !s.ids.insert(r->id).second;
	return 0;
}

}  // namespace

TEST(LibbpfRing, PollsWhatAPatchedProgramWrites)
{
	Scratch tmp;
	const std::string plain = tmp / "storm", patched = tmp / "patched", maps = tmp / "maps";
	ASSERT_EQ(shell("gcc -O2 -pthread " BPFTIME_TEST_DIR "/e2e/storm.c -o " + plain).text, "");
	Output made = shell(bin + "bpftime-patch --binary " + plain + " --map-dir " + maps + " -o " + patched +
			 " " BPFTIME_E2E_STORM);
	ASSERT_EQ(made.status, 0) << made;
	ASSERT_EQ(shell(patched + " processes 1").status, 0);	// makes the files

	struct arena *a = arena_new();
	struct diags dg = {};
	struct mapdir d;
	struct mapfile m, results;
	ASSERT_EQ(mapdir_open(&d, maps.c_str(), &dg), 0);
	ASSERT_EQ(mapfile_open(&d, a, "storm/records", &m, &dg), 0);
	ASSERT_EQ(mapfile_open(&d, a, "storm/results", &results, &dg), 0);
	shim_serve(&m);
	Seen seen;
	struct ring_buffer *rb = ring_buffer__new(m.fd, on_record, &seen, nullptr);
	ASSERT_NE(rb, nullptr) << strerror(errno);
	EXPECT_EQ(shim_asked.info, 1);
	EXPECT_EQ(shim_asked.maps, 2);
	EXPECT_EQ(shim_asked.adds, 1);

	EXPECT_GE(ring_buffer__consume(rb), 1);		// what is there already
	size_t first = seen.ids.size();
	seen.ids.clear();	// numbers begin anew in each run
	for (const char *args : {" threads 200", " processes 100"}) {
		auto run = std::async(std::launch::async, [&] { return shell(patched + args); });
		while (run.wait_for(std::chrono::milliseconds(0)) != std::future_status::ready)
			ASSERT_GE(ring_buffer__poll(rb, 20), 0);
		EXPECT_EQ(run.get().status, 0);
		while (ring_buffer__consume(rb) > 0)
			;
		uint64_t sent;
		uint32_t key = STORM_SENT;
		ASSERT_EQ(rt_map_lookup(&results.m, results.base, &key, &sent, 0), 0);
		EXPECT_EQ(first + seen.ids.size(), sent) << args << ": records lost, or made up";
		EXPECT_GT(seen.ids.size(), 100u);
		first += seen.ids.size();
		seen.ids.clear();
	}
	EXPECT_EQ(seen.torn, 0u);
	EXPECT_EQ(seen.twice, 0u);
	EXPECT_GT(shim_asked.waits, 0);
	ring_buffer__free(rb);
	mapfile_close(&m);
	mapfile_close(&results);
	mapdir_close(&d);
	arena_free(a);
}
