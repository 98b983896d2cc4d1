// SPDX-License-Identifier: MIT
// Processes that work on shared maps are killed by SIGKILL wherever they happen to be.  The others go
// on within a bounded time; what was completed is there; nothing is torn, lost twice or leaked.
//
// BPFTIME_KILLS: how many (scripts/torture: 10,000).
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <random>
#include <string>

#include "kill_clock.h"
#include "map_mem.h"
#include "rt_helpers.h"

namespace {

enum { WRITERS = 4, READERS = 2, CHILDREN = WRITERS + READERS, OWN_KEYS = 8, SHARED_KEYS = 4 };
enum { ENTRIES = WRITERS * OWN_KEYS / 2 + SHARED_KEYS };	// so that the map is full at times

struct Value {
	uint64_t v, inverse, times3;
	explicit Value(uint64_t x = 0) : v(x), inverse(~x), times3(3 * x) {}
	bool whole() const { return inverse == ~v && times3 == 3 * v; }
};

struct Record {
	uint64_t writer, seq;
	char body[40];
};

// What a child has done, for whoever looks after it was killed.
struct Log {
	uint64_t value[OWN_KEYS];	// of the last completed operation, 0: not there
	uint64_t key, next;		// the operation that goes on: makes `key` have `next`
	uint64_t going_on;
	uint64_t adds, adds_begun;
	uint64_t sent, seq;
	uint64_t ops, busy, full;
	int64_t  slowest_ns;
};

struct World {
	MapMem hash{map_attrs(MAP_TYPE_hash, 8, sizeof(Value), ENTRIES)};
	MapMem array{map_attrs(MAP_TYPE_array, 4, 8, WRITERS)};
	MapMem ring{map_attrs(MAP_TYPE_ringbuf, 0, 0, 1 << 20)};
	Log *log = (Log *)mmap(nullptr, sizeof(Log) * CHILDREN, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid[CHILDREN] = {};

	uint64_t shared_key(uint32_t i) const { return 1000000 + i; }
	uint64_t own_key(uint32_t w, uint64_t i) const { return w * 1000 + i; }
};

void note(Log &l, int64_t ns, int64_t r)
{
	if (ns > l.slowest_ns)
		l.slowest_ns = ns;
	l.ops++;
	l.busy += r == -EBUSY;
	l.full += r == -E2BIG;
}

#define ORDER() __asm__ volatile("" ::: "memory")

// One operation on a key that only this writer changes.
void change_own(World &w, Log &l, KillClock &clock, uint32_t me, std::mt19937_64 &rnd, uint64_t tag)
{
	uint64_t k = rnd() % OWN_KEYS, key = w.own_key(me, k);
	Value v(tag);
	int64_t r;

	l.key = k;
	l.next = rnd() % 3 ? v.v : 0;
	ORDER();
	l.going_on = 1;
	ORDER();
	clock.start();
	r = (int64_t)(l.next ? bpftime_h_map_update_elem(&w.hash.m, w.hash.base, &key, &v, 0)
			     : bpftime_h_map_delete_elem(&w.hash.m, w.hash.base, &key));
	note(l, clock.stop(), r);
	if (!r)
		l.value[k] = l.next;
	else if (r != -EBUSY && r != (l.next ? -E2BIG : -ENOENT))
		_exit(10);
	ORDER();
	l.going_on = 0;
}

[[noreturn]] void writer(World &w, uint32_t me)
{
	Log &l = w.log[me];
	std::mt19937_64 rnd(kill_now_ns());
	KillClock clock;

	rt_self_setup();
	for (;;) {
		change_own(w, l, clock, me, rnd, (uint64_t)kill_now_ns());
		uint64_t shared = w.shared_key(rnd() % SHARED_KEYS);
		Value v(rnd() >> 8);
		clock.start();
		int64_t r = (int64_t)bpftime_h_map_update_elem(&w.hash.m, w.hash.base, &shared, &v, 0);
		note(l, clock.stop(), r);

		uint32_t slot = me;
		l.adds_begun++;
		ORDER();
		__atomic_fetch_add((uint64_t *)bpftime_h_map_lookup_elem(&w.array.m, w.array.base, &slot),
				   1, __ATOMIC_RELAXED);
		ORDER();
		l.adds++;

		clock.start();
		uint64_t size = 16 + rnd() % 40;
		auto *rec = (Record *)bpftime_h_ringbuf_reserve(&w.ring.m, w.ring.base, size, 0);
		note(l, clock.stop(), 0);
		if (rec) {
			rec->writer = me;
			rec->seq = ++l.seq;
			memset(rec->body, (int)rec->seq, size - 16);
			ORDER();
			bpftime_h_ringbuf_submit(rec, 0);
			ORDER();
			l.sent++;
		}
	}
}

[[noreturn]] void reader(World &w, uint32_t me)
{
	Log &l = w.log[me];
	std::mt19937_64 rnd(kill_now_ns());
	KillClock clock;

	rt_self_setup();
	for (;;) {
		uint64_t key = rnd() % 2 ? w.shared_key(rnd() % SHARED_KEYS)
					 : w.own_key(rnd() % WRITERS, rnd() % OWN_KEYS), next;
		Value v;
		clock.start();
		int64_t r = rt_map_lookup(&w.hash.m, w.hash.base, &key, &v, 0);
		note(l, clock.stop(), r);
		if (!r && !v.whole())
			_exit(11);
		if (r && r != -ENOENT && r != -EBUSY)
			_exit(12);
		uint32_t n = 0;
		clock.start();
		for (r = rt_map_next_key(&w.hash.m, w.hash.base, nullptr, &key); !r && n < 1000; n++) {
			r = rt_map_next_key(&w.hash.m, w.hash.base, &key, &next);
			key = next;
		}
		note(l, clock.stop(), 0);
	}
}

void start(World &w, uint32_t i)
{
	w.pid[i] = fork();
	if (w.pid[i])
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (i < WRITERS)
		writer(w, i);
	reader(w, i);
}

struct Seen {
	uint64_t records = 0, last = 0;
};

// Takes every record there is.
void consume(World &w, Seen *seen)
{
	const void *sample;
	uint32_t bytes;
	int r;

	while ((r = rt_ringbuf_peek(&w.ring.m, w.ring.base, &sample, &bytes)) == 1) {
		auto *rec = (const Record *)sample;
		ASSERT_LT(rec->writer, (uint64_t)WRITERS);
		Seen &s = seen[rec->writer];
		ASSERT_GT(rec->seq, s.last) << "twice, or out of order";
		for (uint32_t i = 0; i < bytes - 16; i++)
			ASSERT_EQ(rec->body[i], (char)rec->seq) << "torn";
		s.last = rec->seq;
		s.records++;
		rt_ringbuf_consume(&w.ring.m, w.ring.base);
	}
	ASSERT_EQ(r, 0);
}

// The keys of writer `me`, which does not run, are as it left them.
void check_own(World &w, uint32_t me)
{
	Log &l = w.log[me];

	for (uint64_t k = 0; k < OWN_KEYS; k++) {
		uint64_t key = w.own_key(me, k), is;
		Value v;
		int r = rt_map_lookup(&w.hash.m, w.hash.base, &key, &v, 0);
		ASSERT_TRUE(r == 0 || r == -ENOENT) << r;
		if (!r)
			ASSERT_TRUE(v.whole());
		is = r ? 0 : v.v;
		if (l.going_on && l.key == k && is == l.next)
			l.value[k] = is;
		ASSERT_EQ(is, l.value[k]) << "key " << key << " of an operation that was "
					  << (l.going_on && l.key == k ? "going on" : "completed");
	}
	l.going_on = 0;
}

// Every entry is either in the map or free (docs/maps.md, H1): exactly ENTRIES fit.
void check_capacity(World &w)
{
	uint64_t key;

	for (int i = 0; i < 4000; i++) {	// visits every bucket
		key = 0xdead0000 + (uint64_t)i;
		ASSERT_EQ(rt_map_delete(&w.hash.m, w.hash.base, &key), -ENOENT);
	}
	while (!rt_map_next_key(&w.hash.m, w.hash.base, nullptr, &key))
		ASSERT_EQ(rt_map_delete(&w.hash.m, w.hash.base, &key), 0);
	for (key = 1; key <= ENTRIES + 5; key++) {
		Value v(key);
		ASSERT_EQ(rt_map_update(&w.hash.m, w.hash.base, &key, &v, MAP_NOEXIST),
			  key <= ENTRIES ? 0 : -E2BIG) << key;
	}
	for (key = 1; key <= ENTRIES; key++) {
		Value v;
		ASSERT_EQ(rt_map_lookup(&w.hash.m, w.hash.base, &key, &v, 0), 0);
		ASSERT_EQ(v.v, key);
	}
}

}  // namespace

TEST(Kill, MapsStayUsableAndKeepWhatWasCompleted)
{
	const char *env = getenv("BPFTIME_KILLS");
	int kills = env ? atoi(env) : 300;
	World w;
	Seen seen[WRITERS];
	uint64_t killed[CHILDREN] = {};
	std::mt19937_64 rnd(42);

	for (uint32_t i = 0; i < CHILDREN; i++)
		start(w, i);
	for (int n = 0; n < kills && !HasFatalFailure(); n++) {
		int64_t until = kill_now_ns() + (int64_t)(500000 + rnd() % 3000000);
		while (kill_now_ns() < until) {
			consume(w, seen);
			usleep(100);
		}
		uint32_t i = rnd() % CHILDREN;
		int status;
		kill(w.pid[i], SIGKILL);
		ASSERT_EQ(waitpid(w.pid[i], &status, 0), w.pid[i]);
		ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
			<< "child " << i << " ended with " << WEXITSTATUS(status);
		killed[i]++;
		if (i < WRITERS)
			check_own(w, i);
		start(w, i);
	}
	usleep(20000);
	for (uint32_t i = 0; i < CHILDREN; i++) {
		kill(w.pid[i], SIGKILL);
		waitpid(w.pid[i], nullptr, 0);
		killed[i]++;
	}
	if (HasFatalFailure())
		return;
	uint64_t ops = 0, busy = 0, full = 0, records = 0;
	int64_t slowest = 0;
	for (uint32_t i = 0; i < CHILDREN; i++) {
		Log &l = w.log[i];
		ops += l.ops;
		busy += l.busy;
		full += l.full;
		slowest = std::max(slowest, l.slowest_ns);
	}
	// Records of the dead must not block: everything comes out within a few naps.
	for (int i = 0; i < 20; i++) {
		consume(w, seen);
		rt_ringbuf_wait(&w.ring.m, w.ring.base, 150);
	}
	EXPECT_EQ(bpftime_h_ringbuf_query(&w.ring.m, w.ring.base, RB_AVAIL_DATA), 0u);
	for (uint32_t i = 0; i < WRITERS; i++) {
		Log &l = w.log[i];
		check_own(w, i);
		uint64_t adds = *(uint64_t *)((char *)w.array.base + 8 * i);
		EXPECT_GE(adds, l.adds);
		EXPECT_LE(adds, l.adds + killed[i]);
		EXPECT_GE(seen[i].records, l.sent) << "records lost";
		EXPECT_LE(seen[i].records, l.sent + killed[i]);
		records += seen[i].records;
	}
	check_capacity(w);
	EXPECT_LT(slowest, KILL_HANG_NS);
	EXPECT_GT(full, 0u);
	printf("%d kills, %llu operations, %llu records, %llu busy, %llu full, slowest %.1f ms\n", kills,
	       (unsigned long long)ops, (unsigned long long)records, (unsigned long long)busy,
	       (unsigned long long)full, (double)slowest / 1e6);
}
