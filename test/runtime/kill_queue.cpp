// SPDX-License-Identifier: MIT
// SIGKILL and queues, stacks, Bloom filters: nothing that was pushed is lost or comes twice.
#include <map>

#include "kill_kinds.h"

namespace {

enum { SLOTS = 64 };

struct Item {
	uint64_t who, seq, check;
};

// note[0]: pushed, note[1]: popped by this child; note[2]: sum of what it pushed, note[3]: popped
int push_and_pop(KillRun &run, uint32_t me, std::mt19937_64 &rnd)
{
	KillLog &l = run.log[me];
	const MapMem &k = run.map;
	Item i;
	int r;

	if (rnd() % 2) {
		i = {me, l.begun, l.begun * 31 + me};
		r = (int)bpftime_h_map_push_elem(&k.m, k.base, &i, 0);
		l.note[0] += !r;
		if (r && r != -E2BIG && r != -EBUSY)
			_exit(10);
		return r;
	}
	r = (int)bpftime_h_map_pop_elem(&k.m, k.base, &i);
	if (!r && (i.who >= KillRun::CHILDREN || i.check != i.seq * 31 + i.who))
		_exit(11);
	l.note[1] += !r;
	if (r && r != -ENOENT && r != -EBUSY)
		_exit(12);
	return r;
}

struct KillQueue : testing::TestWithParam<uint32_t> {};

}  // namespace

TEST_P(KillQueue, LosesNothing)
{
	KillRun run(map_attrs(GetParam(), 0, sizeof(Item), SLOTS));
	const MapMem &k = run.map;
	uint64_t left = 0, pushed, popped, kills;
	Item i;

	run.go(push_and_pop, [](KillRun &) { usleep(200); });
	for (std::map<uint64_t, uint64_t> last; !rt_map_take(&k.m, k.base, nullptr, &i, 0); left++) {
		ASSERT_EQ(i.check, i.seq * 31 + i.who);
		if (GetParam() == MAP_TYPE_queue) {	// in order, each once
			ASSERT_GT(i.seq, last[i.who]);
			last[i.who] = i.seq;
		}
	}
	pushed = run.sum_note(0);
	popped = run.sum_note(1) + left;
	kills = run.kills + KillRun::CHILDREN;
	EXPECT_GE(popped + kills, pushed);	// a pop that was done but not counted
	EXPECT_LE(popped, pushed + kills);
	for (uint64_t n = 0; n < SLOTS; n++)
		ASSERT_EQ(rt_map_update(&k.m, k.base, nullptr, &i, 0), 0);
	EXPECT_EQ(rt_map_update(&k.m, k.base, nullptr, &i, 0), -E2BIG);
	printf("%llu kills, %llu pushed, %llu busy\n", (unsigned long long)run.kills,
	       (unsigned long long)pushed, (unsigned long long)run.sum(&KillLog::busy));
}

INSTANTIATE_TEST_SUITE_P(Kinds, KillQueue, testing::Values(MAP_TYPE_queue, MAP_TYPE_stack));

TEST(KillBloom, ForgetsNothing)
{
	KillRun run(map_attrs(MAP_TYPE_bloom_filter, 0, 8, 100000));
	auto push = [](KillRun &r, uint32_t me, std::mt19937_64 &) {
		uint64_t v = r.log[me].note[0] * KillRun::CHILDREN + me;
		int e = (int)bpftime_h_map_push_elem(&r.map.m, r.map.base, &v, 0);
		if (e || bpftime_h_map_peek_elem(&r.map.m, r.map.base, &v))
			_exit(10);
		r.log[me].note[0] = (r.log[me].note[0] + 1) % 20000;
		r.log[me].note[1] += r.log[me].note[1] < 20000;
		return e;
	};
	run.go(push, [](KillRun &) { usleep(200); });
	for (uint32_t c = 0; c < KillRun::CHILDREN; c++)
		for (uint64_t n = 0; n + 1 < run.log[c].note[1]; n++) {
			uint64_t v = n * KillRun::CHILDREN + c;
			ASSERT_EQ(bpftime_h_map_peek_elem(&run.map.m, run.map.base, &v), 0u);
		}
}
