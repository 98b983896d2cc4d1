// SPDX-License-Identifier: MIT
// bpf_spin_lock: one at a time among threads, processes and signal handlers; taken over from the
// dead, given up on when its owner is stopped; whole values under BPF_F_LOCK.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <thread>
#include <vector>

#include "kill_kinds.h"

namespace {

enum { WORDS = 12 };

struct Item {
	uint64_t inside;	// who is in the section
	uint32_t lock, unused;
	uint64_t word[WORDS];
};

bpftime_map with_lock(uint32_t type)
{
	bpftime_map m = map_attrs(type, 4, sizeof(Item), 8);
	m.lock = offsetof(Item, lock) + 1;
	return m;
}

Item *item(const MapMem &k, uint32_t key = 1)
{
	Item none = {};
	auto at = (Item *)bpftime_h_map_lookup_elem(&k.m, k.base, &key);
	if (at)
		return at;
	if (bpftime_h_map_update_elem(&k.m, k.base, &key, &none, 0))
		abort();
	return (Item *)bpftime_h_map_lookup_elem(&k.m, k.base, &key);
}

bool lock(const MapMem &k, Item *i) { return !bpftime_h_spin_lock(&k.m, k.base, &i->lock); }
void unlock(Item *i) { bpftime_h_spin_unlock(&i->lock); }

// A child that holds the lock, and sleeps.
pid_t holder(const MapMem &k, Item *i)
{
	int fd[2];
	char c;
	if (pipe(fd))
		abort();
	pid_t pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!lock(k, i))
			_exit(1);
		(void)!write(fd[1], "x", 1);
		raise(SIGSTOP);
		unlock(i);
		_exit(0);
	}
	close(fd[1]);
	EXPECT_EQ(read(fd[0], &c, 1), 1);
	close(fd[0]);
	return pid;
}

double seconds_to_lock(const MapMem &k, Item *i, bool *got)
{
	int64_t began = kill_now_ns();
	*got = lock(k, i);
	return (double)(kill_now_ns() - began) / 1e9;
}

}

struct SpinLock : testing::TestWithParam<uint32_t> {
	MapMem k{with_lock(GetParam())};
	Item *i = item(k);
};

TEST_P(SpinLock, OneAtATime)
{
	enum { THREADS = 4, TURNS = 200000 };
	std::vector<std::thread> t;
	std::atomic<uint64_t> entered{0};
	std::atomic<int> here{0};

	rt_self_setup();
	for (int n = 0; n < THREADS; n++)
		t.emplace_back([&] {
			for (here++; here < THREADS;)	// all at once
				sched_yield();
			for (int turn = 0; turn < TURNS; turn++) {
				if (!lock(k, i))
					continue;
				volatile uint64_t *w = i->word;
				for (int c = 0; c < WORDS; c++)
					w[c] = w[c] + 1;
				entered++;
				unlock(i);
			}
		});
	for (auto &x : t)
		x.join();
	for (uint64_t w : i->word)
		EXPECT_EQ(w, entered);
	EXPECT_GT(entered, (uint64_t)TURNS);
}

TEST_P(SpinLock, IsTakenOverFromTheDeadAtOnce)
{
	bool got;
	int status;
	pid_t pid = holder(k, i);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	EXPECT_NE(i->lock, 0u);
	EXPECT_LT(seconds_to_lock(k, i, &got), 0.5);
	EXPECT_TRUE(got);
	unlock(i);
	EXPECT_EQ(i->lock, 0u);
}

// Nobody is let in, nobody waits for ever.
TEST_P(SpinLock, AStoppedOwnerCostsItsPeersOneWait)
{
	bool got;
	int status;
	pid_t pid = holder(k, i);
	waitpid(pid, &status, WUNTRACED);
	double first = seconds_to_lock(k, i, &got);
	EXPECT_FALSE(got);
	EXPECT_GT(first, 0.015);
	double second = seconds_to_lock(k, i, &got);
	EXPECT_FALSE(got);
	EXPECT_LT(second, first);
	kill(pid, SIGCONT);
	waitpid(pid, &status, 0);
	EXPECT_EQ(status, 0);
	EXPECT_TRUE(lock(k, i));
	unlock(i);
}

// Without the table of namespaces nothing proves that an owner is dead.
TEST_P(SpinLock, UnknownMapsProveNothing)
{
	int status;
	pid_t pid = fork();
	if (!pid)
		_exit((int)bpftime_h_spin_lock(nullptr, nullptr, &i->lock));
	waitpid(pid, &status, 0);
	ASSERT_EQ(status, 0);
	EXPECT_FALSE(lock(k, i));
	unlock(i);
	EXPECT_TRUE(lock(k, i));
	unlock(i);
}

static const MapMem *handler_map;
static Item *handler_item;
static volatile int handler_got = -1;

TEST_P(SpinLock, AHandlerInsideTheSectionDoesNotGetIt)
{
	handler_map = &k, handler_item = i, handler_got = -1;
	signal(SIGUSR1, [](int) { handler_got = lock(*handler_map, handler_item); });
	ASSERT_TRUE(lock(k, i));
	int64_t began = kill_now_ns();
	raise(SIGUSR1);
	EXPECT_LT(kill_now_ns() - began, 15000000);
	EXPECT_EQ(handler_got, 0);
	unlock(i);
	raise(SIGUSR1);
	EXPECT_EQ(handler_got, 1);
	unlock(i);
	signal(SIGUSR1, SIG_DFL);
}

// Values that programs change under the lock are read and written whole.
TEST_P(SpinLock, ValuesUnderTheLockAreWhole)
{
	std::atomic<bool> stop{false};
	uint32_t key = 1;
	uint64_t other = 0, busy = 0;

	rt_self_setup();
	std::thread program([&] {
		for (uint64_t n = 0; !stop; n++)
			if (lock(k, i)) {
				for (uint64_t &w : i->word)
					*(volatile uint64_t *)&w = n;
				unlock(i);
			}
	});
	for (int n = 0; n < 20000; n++) {
		Item v;
		memset(&v, 0xff, sizeof(v));
		if (rt_map_lookup(&k.m, k.base, &key, &v, MAP_LOCK)) {	// the other one does not run now
			busy++;
			continue;
		}
		EXPECT_EQ(v.lock, 0u);
		for (uint64_t w : v.word)
			EXPECT_EQ(w, v.word[0]);
		other += v.word[0] >> 63;
		v.lock = 77;			// is not copied
		for (uint64_t &w : v.word)
			w = 1ull << 63 | (uint64_t)n;
		busy += rt_map_update(&k.m, k.base, &key, &v, MAP_LOCK) != 0;
	}
	stop = true;
	program.join();
	EXPECT_LT(busy, 10000u);
	EXPECT_GT(other, 0u);
	EXPECT_EQ(i->lock, 0u);
	EXPECT_EQ(item(k), i);
}

TEST_P(SpinLock, FlagsWithoutALockAreRefused)
{
	bpftime_map attrs = with_lock(GetParam());
	attrs.lock = 0;
	MapMem plain(attrs);
	uint32_t key = 1;
	Item v = {};
	item(plain);
	EXPECT_EQ(rt_map_lookup(&plain.m, plain.base, &key, &v, MAP_LOCK), -EINVAL);
	EXPECT_EQ(rt_map_update(&plain.m, plain.base, &key, &v, MAP_LOCK), -EINVAL);
	EXPECT_EQ(rt_map_lookup(&k.m, k.base, &key, &v, MAP_LOCK | 8), -EINVAL);
}

INSTANTIATE_TEST_SUITE_P(Kinds, SpinLock, testing::Values(MAP_TYPE_array, MAP_TYPE_hash));

TEST(SpinLockAttributes, MustFitTheMap)
{
	for (uint32_t at : {2u, 3u, (uint32_t)sizeof(Item) - 2, (uint32_t)sizeof(Item) + 1, UINT32_MAX}) {
		bpftime_map m = with_lock(MAP_TYPE_hash);
		m.lock = at;
		EXPECT_EQ(rt_map_check(&m), -EINVAL) << at;
	}
	bpftime_map lru = with_lock(MAP_TYPE_lru_hash), hash = with_lock(MAP_TYPE_hash);
	EXPECT_EQ(rt_map_check(&lru), -EINVAL);
	EXPECT_EQ(rt_map_check(&hash), 0);
}

// A section that is cut off leaves its stores; nobody else is ever in it at the same time, and
// the others go on.
TEST(KillSpinLock, OneAtATimeAndNoneForEver)
{
	KillRun run(with_lock(MAP_TYPE_hash));
	Item *i = item(run.map);

	run.go([](KillRun &r, uint32_t me, std::mt19937_64 &rnd) -> int {
		Item *at = item(r.map);
		volatile uint64_t *inside = &at->inside, *w = at->word;
		if (!lock(r.map, at))
			return -EBUSY;
		*inside = me + 1;
		bool torn = false;
		for (int c = 1; c < WORDS; c++)
			torn |= w[c] != w[0];
		r.log[me].note[0] += torn;
		uint64_t v = rnd();
		for (int c = 0; c < WORDS; c++)
			w[c] = v;
		for (int c = 0; c < WORDS; c++)
			if (w[c] != v)
				_exit(13);
		if (*inside != me + 1)
			_exit(14);
		unlock(at);
		return 0;
	}, [](KillRun &) { usleep(50); });
	EXPECT_TRUE(lock(run.map, i));
	unlock(i);
	EXPECT_LE(run.sum_note(0), run.kills + KillRun::CHILDREN);
	EXPECT_EQ(run.sum(&KillLog::other), 0u);
}
