// SPDX-License-Identifier: MIT
// The pages of an arena: who gets which, when there is no memory, when everything runs at once, and when
// processes are killed anywhere.  test/arena has programs that use them, and the kernel.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>

#include "kernel_map.h"
#include "kill_kinds.h"
#include "storm.h"

namespace {

// What runtime-min/maps/arena.h says, which is for C.
struct Header {
	uint64_t lock, change, user_start;
};
Header *rt_arena(void *base) { return (Header *)((char *)base - MAPFMT_HEADER_BYTES + MAPFMT_KIND_OFF); }
uint64_t *rt_arena_taken(void *base) { return (uint64_t *)base; }
uint64_t *rt_arena_backed(const bpftime_map *m, void *base)
{
	return (uint64_t *)((char *)base + mapfmt_arena_backed(m->max_entries));
}
char *rt_arena_page(const bpftime_map *m, void *base, uint32_t page)
{
	return (char *)base + mapfmt_arena_pages(m->max_entries) + (uint64_t)page * MAPFMT_ARENA_PAGE;
}
bool rt_arena_bit(const uint64_t *bits, uint32_t page) { return bits[page / 64] >> page % 64 & 1; }

constexpr uint64_t START = 0x200000000000;
enum { PAGE = MAPFMT_ARENA_PAGE };

bpftime_map arena(uint32_t pages)
{
	bpftime_map m = map_attrs(MAP_TYPE_arena, 0, 0, pages, MAP_F_MMAPABLE);
	m.map_extra = START;
	return m;
}

struct Pages {
	MapMem mem;
	explicit Pages(uint32_t n) : mem(arena(n)) {}
	uint64_t alloc(uint64_t n, uint64_t at = 0) { return bpftime_h_arena_alloc_pages(&mem.m, mem.base, at, n, (uint32_t)-1, 0); }
	void free(uint64_t at, uint64_t n) { bpftime_h_arena_free_pages(&mem.m, mem.base, at, n); }
	int reserve(uint64_t at, uint64_t n) { return (int)bpftime_h_arena_reserve_pages(&mem.m, mem.base, at, n); }
	uint64_t *at(uint64_t address) { return (uint64_t *)(rt_arena_page(&mem.m, mem.base, 0) + (address - START)); }
	bool taken(uint32_t p) { return rt_arena_bit(rt_arena_taken(mem.base), p); }
	bool backed(uint32_t p) { return rt_arena_bit(rt_arena_backed(&mem.m, mem.base), p); }
	uint32_t count()
	{
		uint32_t n = 0;
		for (uint32_t p = 0; p < mem.m.max_entries; p++)
			n += taken(p);
		return n;
	}
};

// ---- alone ----

TEST(ArenaPages, AreGivenOutWhereTheyFitBest)
{
	Pages a(200);
	rt_self_setup();
	EXPECT_EQ(a.alloc(100), START);
	EXPECT_EQ(a.alloc(100), START + 100 * PAGE);
	EXPECT_EQ(a.alloc(1), 0u);
	a.free(START + 10 * PAGE, 20);
	a.free(START + 62 * PAGE, 4);		// across a word of the bitmap
	EXPECT_EQ(a.alloc(3), START + 62 * PAGE);
	EXPECT_EQ(a.alloc(4), START + 10 * PAGE);
	EXPECT_EQ(a.reserve(START + 65 * PAGE, 1), 0);
	EXPECT_EQ(a.alloc(1), START + 14 * PAGE);
	EXPECT_EQ(a.reserve(START + 65 * PAGE, 1), -EBUSY);
	EXPECT_EQ(a.reserve(START + 199 * PAGE, 2), -EINVAL);
	EXPECT_FALSE(a.backed(65));
	EXPECT_TRUE(a.taken(65));
	a.free(START, 200);
	EXPECT_EQ(a.count(), 0u);
}

TEST(ArenaPages, AreZeroWheneverTheyAreGivenOut)
{
	Pages a(3);
	ASSERT_EQ(a.alloc(2), START);
	memset(a.at(START), 0xee, 2 * PAGE);
	a.free(START, 2);
	memset(a.at(START + 2 * PAGE), 0xdd, PAGE);	// a process wrote there
	ASSERT_EQ(a.alloc(3), START);
	for (uint64_t i = 0; i < 3 * PAGE; i += 8)
		ASSERT_EQ(*a.at(START + i), 0u) << i;
}

TEST(ArenaPages, HaveSpaceOnlyWhenTheyAreGivenOut)
{
	Pages a(1 << 20);
	struct stat st;
	ASSERT_EQ(fstat(a.mem.fd, &st), 0);
	EXPECT_EQ((uint64_t)st.st_size, MAPFMT_HEADER_BYTES + (256u << 10) + (4ull << 30));
	uint64_t before = (uint64_t)st.st_blocks;
	EXPECT_LT(before * 512, 1u << 20);
	ASSERT_NE(a.alloc(100), 0u);
	ASSERT_EQ(fstat(a.mem.fd, &st), 0);
	EXPECT_GE(((uint64_t)st.st_blocks - before) * 512, 100u * PAGE);
	EXPECT_EQ(a.alloc(1, START + (1ull << 32) - PAGE), START + (1ull << 32) - PAGE);
}

// The file ends in the middle: pages behind its end are as on a full filesystem.
TEST(ArenaPages, ThatHaveNoMemoryAreNotGivenOut)
{
	Pages a(100);
	ASSERT_EQ(ftruncate(a.mem.fd, (off_t)(MAPFMT_HEADER_BYTES + mapfmt_arena_pages(100) + 10 * PAGE)), 0);
	EXPECT_EQ(a.alloc(11), 0u);
	EXPECT_EQ(a.count(), 0u);
	EXPECT_EQ(a.alloc(10), START);
	EXPECT_EQ(a.alloc(1), 0u);
	for (uint32_t p = 10; p < 100; p++)
		EXPECT_FALSE(a.taken(p) || a.backed(p)) << p;
	EXPECT_EQ(rt_arena(a.mem.base)->change, 0u);
}

// A lock that this very thread holds: a signal handler came in between.
TEST(ArenaPages, AreNotGivenOutInAHandlerThatInterruptsThat)
{
	Pages a(10);
	rt_self_setup();
	ASSERT_EQ(test_lock(&rt_arena(a.mem.base)->lock), 0);
	EXPECT_EQ(a.alloc(1), 0u);
	EXPECT_EQ(a.reserve(START, 1), -EBUSY);
	test_unlock(&rt_arena(a.mem.base)->lock);
	EXPECT_EQ(a.alloc(1), START);
}

TEST(ArenaPages, ThatADeadProcessWasGivingOutAreFree)
{
	Pages a(100);
	ASSERT_EQ(a.alloc(5), START);
	pid_t pid = fork();
	if (!pid) {	// killed with the lock, in the middle of giving out three pages, one of them marked
		rt_self_setup();
		test_lock(&rt_arena(a.mem.base)->lock);
		rt_arena(a.mem.base)->change = 5ull << 32 | 3;
		rt_arena_taken(a.mem.base)[0] |= 1 << 5 | 1 << 6;
		rt_arena_backed(&a.mem.m, a.mem.base)[0] |= 1 << 5;
		_exit(0);
	}
	waitpid(pid, nullptr, 0);
	EXPECT_EQ(a.alloc(95), START + 5 * PAGE);
	EXPECT_EQ(rt_arena(a.mem.base)->lock, 0u);
	EXPECT_EQ(rt_arena(a.mem.base)->change, 0u);
}

TEST(ArenaPages, OutsideAreNobodys)
{
	Pages a(10);
	ASSERT_EQ(a.alloc(10), START);
	a.free(START - PAGE, 1);
	a.free(START + 10 * PAGE, 5);
	EXPECT_EQ(a.count(), 10u);
	a.free(START + 9 * PAGE, UINT32_MAX);
	EXPECT_EQ(a.count(), 9u);
	a.free((uint32_t)START + 1ull, 1);	// the lower half, in the middle of page 0
	EXPECT_EQ(a.count(), 8u);
	EXPECT_EQ(a.alloc(1, START + 10 * PAGE), 0u);
	EXPECT_EQ(a.alloc(1, START - PAGE), 0u);
}

TEST(ArenaStart, IsChosenOnceAndNotNull)
{
	bpftime_map m = map_attrs(MAP_TYPE_arena, 0, 0, 1000, MAP_F_MMAPABLE);
	MapMem a(m), b(m);
	uint64_t start = rt_arena(a.base)->user_start;
	EXPECT_NE((uint32_t)start, 0u);
	EXPECT_EQ(start >> 32, (start + 1000 * PAGE - 1) >> 32);
	EXPECT_GE(start, 1ull << 45);
	EXPECT_LT(start, 1ull << 46);
	m.max_entries = 1 << 20;
	MapMem all(m);
	EXPECT_EQ((uint32_t)rt_arena(all.base)->user_start, 0u);
}

TEST(ArenaCreate, FailsAsInTheKernel)
{
	const uint64_t extras[] = {0, 1, 0xfff, 0x1000, 1ull << 32, 0xfffff000, 0xffffe000, 0x1fffff000, START, START + 0x800,
				   ~0xfffull, 1ull << 63};
	const uint32_t entries[] = {0, 1, 2, 3, 1000, 1 << 20, (1 << 20) + 1, UINT32_MAX};
	const uint32_t flags[] = {0, MAP_F_MMAPABLE, MAP_F_MMAPABLE | MAP_F_SEGV_ON_FAULT, MAP_F_MMAPABLE | MAP_F_NO_USER_CONV,
				  MAP_F_MMAPABLE | MAP_F_NO_USER_CONV | MAP_F_SEGV_ON_FAULT, MAP_F_MMAPABLE | MAP_F_RDONLY,
				  MAP_F_MMAPABLE | MAP_F_RDONLY_PROG, MAP_F_MMAPABLE | MAP_F_NUMA_NODE, MAP_F_SEGV_ON_FAULT};
	int made = 0;
	for (uint64_t extra : extras)
		for (uint32_t n : entries)
			for (uint32_t f : flags)
				for (uint32_t key : {0u, 4u})
					for (uint32_t value : {0u, 4u}) {
						bpftime_map m = map_attrs(MAP_TYPE_arena, key, value, n, f);
						m.map_extra = extra;
						KernelMap kernel(m);
						if (kernel.fd == -EPERM)
							GTEST_SKIP() << "bpf() is not permitted";
						ASSERT_EQ(rt_map_check(&m), kernel.fd < 0 ? kernel.fd : 0)
							<< std::hex << "extra " << extra << " entries " << n << " flags "
							<< f << " key " << key << " value " << value;
						made += kernel.fd >= 0;
					}
	EXPECT_GT(made, 50);
}

// ---- everything at once ----

struct StormArena : testing::TestWithParam<Weather> {};

TEST_P(StormArena, NoPageHasTwoOwners)
{
	enum { GIVEN, NONE, DIRTY, SHARED };
	Storm s;
	Pages a(400);

	s.run(GetParam(), [&](uint32_t me, uint64_t seq) {
		uint64_t n = 1 + seq % 3, mine = ((uint64_t)me << 32 | seq) + 1, p = a.alloc(n);
		if (!p) {
			s.count(NONE);
			return;
		}
		s.count(GIVEN);
		for (uint64_t i = 0; i < n; i++)
			for (uint64_t off : {0, 8, 2048, PAGE - 8}) {
				uint64_t *w = a.at(p + i * PAGE + off);
				if (__atomic_exchange_n(w, mine, __ATOMIC_RELAXED))
					s.count(DIRTY);
			}
		for (uint64_t i = 0; i < n; i++)
			for (uint64_t off : {0, 8, 2048, PAGE - 8})
				if (__atomic_load_n(a.at(p + i * PAGE + off), __ATOMIC_RELAXED) != mine)
					s.count(SHARED);
		a.free(p, n);
	});
	EXPECT_GT(s.c->n[GIVEN], 0u);
	EXPECT_EQ(s.c->n[DIRTY], 0u);
	EXPECT_EQ(s.c->n[SHARED], 0u);
	// Where an operation was given up, so were its pages; there are enough until too many are gone.
	EXPECT_LE(a.count(), 3 * s.c->busy);
	if (a.count() + 3 * 64 <= 400)
		EXPECT_LE(s.c->n[NONE], s.c->busy);
	for (uint32_t p = 0; p < 400; p++)
		EXPECT_EQ(a.taken(p), a.backed(p));
	EXPECT_EQ(rt_arena(a.mem.base)->change, 0u);
	EXPECT_EQ(rt_arena(a.mem.base)->lock, 0u);
}

INSTANTIATE_TEST_SUITE_P(Weather, StormArena, testing::Values(THREADS, SIGNALS, FORKS, SHORT_THREADS, PROCESSES),
			 [](const auto &i) { return weather_name(i.param); });

// ---- SIGKILL ----

enum { KILL_PAGES = 2000 };
uint32_t *owner;	// of each page, who has it: child + 1, or 0; shared

// note[0]: pages given out, note[1]: given back, note[2]: calls that found the lock taken
int give_and_take(KillRun &run, uint32_t me, std::mt19937_64 &rnd)
{
	const MapMem &k = run.map;
	test_count_busy(&run.log[me].note[2]);
	uint64_t n = 1 + rnd() % 4, p = bpftime_h_arena_alloc_pages(&k.m, k.base, 0, n, (uint32_t)-1, 0);

	for (uint64_t i = 0; p && i < n; i++) {
		uint32_t none = 0, page = (uint32_t)((p - START) / PAGE + i);
		auto w = (uint64_t *)rt_arena_page(&k.m, k.base, page);
		if (!__atomic_compare_exchange_n(&owner[page], &none, me + 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			_exit(10);	// it is somebody's
		if (w[0] || w[PAGE / 8 - 1])
			_exit(11);
		w[0] = w[PAGE / 8 - 1] = me + 1;
		run.log[me].note[0]++;
	}
	for (int i = 0; i < 8; i++) {	// one of mine, and those that an earlier me had
		uint32_t page = (uint32_t)(rnd() % KILL_PAGES);
		while (page < KILL_PAGES && owner[page] != me + 1)
			page++;
		if (page == KILL_PAGES)
			continue;
		auto w = (uint64_t *)rt_arena_page(&k.m, k.base, page);
		// Killed in between, an earlier me may not have written to it.
		if ((w[0] && w[0] != me + 1) || (w[PAGE / 8 - 1] && w[PAGE / 8 - 1] != me + 1))
			_exit(12);
		__atomic_store_n(&owner[page], 0, __ATOMIC_SEQ_CST);
		bpftime_h_arena_free_pages(&k.m, k.base, START + (uint64_t)page * PAGE, 1);
		run.log[me].note[1]++;
	}
	return p ? 0 : -EBUSY;
}

TEST(KillArena, NoPageIsLostOrHasTwoOwners)
{
	owner = (uint32_t *)mmap(nullptr, KILL_PAGES * 4, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	KillRun run(arena(KILL_PAGES));
	const MapMem &k = run.map;
	uint32_t lost = 0, kept = 0;

	run.go(give_and_take, [](KillRun &) { usleep(200); });
	bpftime_h_arena_free_pages(&k.m, k.base, START, 1);	// looks after what was left
	EXPECT_EQ(rt_arena(k.base)->change, 0u);
	for (uint32_t p = 1; p < KILL_PAGES; p++) {
		bool taken = rt_arena_bit(rt_arena_taken(k.base), p);
		ASSERT_EQ(taken, rt_arena_bit(rt_arena_backed(&k.m, k.base), p)) << p;
		if (owner[p])
			ASSERT_TRUE(taken) << p;
		kept += owner[p] != 0;
		lost += taken && !owner[p];
	}
	// What the dead had been given, and had not noted: at most one call's, and one that it was giving back.
	EXPECT_LE(lost, (run.kills + KillRun::CHILDREN) * 5 + run.sum_note(2));
	bpftime_h_arena_free_pages(&k.m, k.base, START, KILL_PAGES);
	EXPECT_EQ(bpftime_h_arena_alloc_pages(&k.m, k.base, 0, KILL_PAGES, (uint32_t)-1, 0), START);
	printf("%llu kills, %llu pages given out, %u kept, %u lost with their owners, %llu busy\n",
	       (unsigned long long)run.kills, (unsigned long long)run.sum_note(0), kept, lost,
	       (unsigned long long)run.sum(&KillLog::busy));
	munmap(owner, KILL_PAGES * 4);
}

}
