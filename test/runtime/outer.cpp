// SPDX-License-Identifier: MIT
// What a program finds in a map of maps: files that this process has, files that it has not seen
// yet, and nothing where the file is another one, or none at all.
#include <gtest/gtest.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "map_mem.h"
#include "payload.h"
#include "rt_helpers.h"

namespace {

enum { SLOTS = 1100, INNERS = 1023 };	// more than a process maps (outer.h)

struct RtOuter : testing::Test {
	std::string dir;

	void SetUp() override
	{
		char tmp[] = "/tmp/bpftime-outer-XXXXXX";
		ASSERT_NE(mkdtemp(tmp), nullptr);
		dir = tmp;
	}
	void TearDown() override { ASSERT_EQ(system(("rm -rf " + dir).c_str()), 0); }
	std::string folder() const { return dir + "/obj-abababababababab"; }

	int in_child(const std::function<int()> &fn) const
	{
		pid_t pid = fork();
		if (!pid) {
			_exit(fn());
		}
		int status;
		waitpid(pid, &status, 0);
		return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
	}

	// A file with an array of one, as another process would make it.
	mapfmt_ref make(const std::string &name, uint64_t first = 0, uint32_t type = MAP_TYPE_array) const
	{
		MapMem m(map_attrs(type, 4, 8, 1));
		auto *h = (mapfmt_header *)m.file;
		snprintf(h->name, sizeof(h->name), "%s", name.c_str());
		*(uint64_t *)m.base = first;
		int fd = open((folder() + "/" + name).c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
		EXPECT_EQ(write(fd, m.file, 8192), 8192);
		close(fd);
		mapfmt_ref ref = {h->birth, MAP_TYPE_array, 4, 8, 1, 0, 0, 0, {}};
		snprintf(ref.name, sizeof(ref.name), "%s", name.c_str());
		return ref;
	}
};

bpftime_map *outer;

// This process becomes one with the payload: outer holds a and b at 0 and 1.
bool run(const std::string &dir, uint32_t kind = MAP_TYPE_array_of_maps)
{
	static const objfmt_inside in[] = {{0, 0}, {1, 1}};
	tp_map("a", MAP_TYPE_array, 4, 8, 1, 0);
	tp_map("b", MAP_TYPE_array, 4, 8, 1, 0);
	bpftime_map *like = tp_map("outer.inner", MAP_TYPE_array, 4, 8, 1, 0);
	outer = tp_map("outer", kind, 4, 4, SLOTS, 0);
	tp_inside(outer, like, in, 2);
	tp_finish(dir.c_str(), 1);
	return bpftime_rt1_cold(0) == 1;
}

void *outer_base()
{
	return *BPFTIME_REL(void *, outer->slot_rel);
}

// As compiled programs do: the map, then its value 0.
uint64_t *value_in(uint32_t key)
{
	auto *m = (const bpftime_map *)bpftime_h_map_lookup_elem(outer, outer_base(), &key);
	uint32_t zero = 0;
	return m ? (uint64_t *)bpftime_h_map_lookup_elem(m, *BPFTIME_REL(void *, m->slot_rel), &zero) : nullptr;
}

int put(uint32_t key, const mapfmt_ref &ref)
{
	return rt_map_update(outer, outer_base(), &key, &ref, 0);
}

uint64_t unmapped() { return tp.control.unmapped; }

}  // namespace

TEST_F(RtOuter, HoldsTheMapsOfTheObject)
{
	const uint32_t kinds[] = {MAP_TYPE_array_of_maps, MAP_TYPE_hash_of_maps};
	for (uint32_t kind : kinds)
		for (uint64_t round = 0; round < 3; round++)
			EXPECT_EQ(in_child([&] {
				if (!run(dir + std::to_string(kind), kind))
					return 1;
				for (int again = 0; again < 2; again++) {
					uint64_t *a = value_in(0);
					uint64_t *b = value_in(1);
					if (!a || !b || a == b || value_in(2) || value_in(SLOTS))
						return 2;
					if (a != *(uint64_t **)&tp.slot[0] || *a != round * 2 + again)
						return 3;	// the very memory that the program has by name
					*a += 1;
				}
				return tp.control.private_maps || unmapped() ? 4 : 0;
			}), 0) << kind;
	ASSERT_EQ(system(("rm -rf " + dir + "1*").c_str()), 0);
}

TEST_F(RtOuter, HoldsThemInPrivateMemoryToo)
{
	EXPECT_EQ(in_child([&] {
		if (!run("/proc/nowhere") || tp.control.private_maps != 3)
			return 1;
		uint64_t *a = value_in(0);
		uint64_t *b = value_in(1);
		if (!a || !b || a == b || a != tp.slot[0])
			return 2;
		*b = 5;
		return in_child([&] { return value_in(1) && *value_in(1) == 5 ? 0 : 1; });
	}), 0);
}

TEST_F(RtOuter, FindsAMapThatSomebodyMadeLater)
{
	EXPECT_EQ(in_child([&] {
		if (!run(dir))
			return 1;
		int before = dup(0);
		close(before);
		mapfmt_ref c = make("c", 77);
		if (put(5, c) || !value_in(5) || *value_in(5) != 77)
			return 2;
		uint64_t *where = value_in(5);
		*where = 78;
		// put in at another place, it is the same memory
		if (put(6, c) || value_in(6) != where || dup(0) != before)
			return 3;
		// and the file's: another process sees it
		return in_child([&] {
			char page[4104];
			int fd = open((folder() + "/c").c_str(), O_RDONLY);
			return read(fd, page, sizeof(page)) == sizeof(page) && *(uint64_t *)(page + 4096) == 78 ? 0 : 9;
		});
	}), 0);
	EXPECT_EQ(in_child([&] { return run(dir) && value_in(6) && *value_in(6) == 78 && !unmapped() ? 0 : 1; }), 0);
}

TEST_F(RtOuter, ReplacesAndEmptiesSlots)
{
	EXPECT_EQ(in_child([&] {
		uint32_t key = 0;
		if (!run(dir))
			return 1;
		uint64_t *a = value_in(0);
		mapfmt_ref c = make("c", 3);
		if (put(0, c) || value_in(0) == a || *value_in(0) != 3)
			return 2;
		if (rt_map_delete(outer, outer_base(), &key) || value_in(0))
			return 3;
		return rt_map_delete(outer, outer_base(), &key) == -ENOENT && put(0, c) == 0 && *value_in(0) == 3 ? 0 : 4;
	}), 0);
}

// A name means the map that was put in, not another file that has its name now.
TEST_F(RtOuter, TakesNothingElseForIt)
{
	EXPECT_EQ(in_child([&] {
		if (!run(dir))
			return 1;
		mapfmt_ref good = make("c", 1);
		mapfmt_ref other = good;
		put(2, good);
		if (!value_in(2))
			return 2;
		uint64_t n = 0;
		auto refused = [&](mapfmt_ref ref) {
			return !put(3, ref) && !value_in(3) && unmapped() == ++n &&
			       !value_in(3) && unmapped() == ++n;	// it is not looked for again
		};
		other.birth++;
		if (!refused(other))
			return 3;
		other = make("d", 1, MAP_TYPE_hash);	// says it is an array
		if (!refused(other))
			return 4;
		other = make("e");
		truncate((folder() + "/e").c_str(), 5000);
		if (!refused(other))
			return 5;
		other = make("f");
		chmod((folder() + "/f").c_str(), 0666);
		if (!refused(other))
			return 6;
		other = make("g");
		unlink((folder() + "/g").c_str());
		if (!refused(other))
			return 7;
		other = make("h");
		snprintf(other.name, sizeof(other.name), "../%s/h", folder().c_str() + dir.size() + 1);
		if (!refused(other))
			return 8;
		// the file of that name is replaced: who has the old one keeps it, others find none
		unlink((folder() + "/c").c_str());
		make("c", 2);
		return *value_in(2) == 1 ? 0 : 9;
	}), 0);
	EXPECT_EQ(in_child([&] { return run(dir) && !value_in(2) && unmapped() ? 0 : 1; }), 0);
}

TEST_F(RtOuter, GarbageInTheFileIsHarmless)
{
	EXPECT_EQ(in_child([&] {
		if (!run(dir))
			return 1;
		srand(1);
		for (int n = 0; n < 20000; n++) {
			char *at = (char *)outer_base() + (unsigned)rand() % (rt_map_size(outer, 1) - 8);
			*at = (char)rand();
			value_in((uint32_t)rand() % 4);
		}
		return 0;
	}), 0);
}

TEST_F(RtOuter, MapsSoManyAndNoMore)
{
	EXPECT_EQ(in_child([&] {
		if (!run(dir))
			return 1;
		uint64_t there = 0;
		uint64_t before = unmapped();
		for (uint32_t i = 2; i < SLOTS; i++) {
			std::string name = "m" + std::to_string(i);
			if (put(i, make(name, i)))
				return 2;
			uint64_t *v = value_in(i);
			if (v && *v != i)
				return 3;
			there += v != nullptr;
		}
		if (there != INNERS - 2 || unmapped() - before != SLOTS - INNERS)
			return 4;
		return *value_in(2) == 2 && value_in(0) ? 0 : 5;
	}), 0);
}

// While one slot is given one map after the other, each lookup finds one of them, whole.
TEST_F(RtOuter, SlotsChangeWhileOthersLook)
{
	EXPECT_EQ(in_child([&] {
		if (!run(dir))
			return 1;
		std::vector<mapfmt_ref> refs;
		for (int i = 0; i < 8; i++)
			refs.push_back(make("m" + std::to_string(i), 0));
		put(2, refs[0]);
		std::atomic<bool> stop{false};
		std::atomic<uint64_t> found{0};
		std::atomic<uint64_t> bad{0};
		std::vector<std::thread> t;
		for (int k = 0; k < 3; k++)
			t.emplace_back([&] {
				while (!stop) {
					uint64_t *v = value_in(2);
					if (!v) {
						bad++;
						continue;
					}
					__atomic_fetch_add(v, 1, __ATOMIC_RELAXED);
					found++;
				}
			});
		for (int n = 0; n < 30000 || found < 1000; n++)	// however late the threads start
			put(2, refs[(size_t)n % refs.size()]);
		stop = true;
		for (auto &x : t)
			x.join();
		uint64_t sum = 0;
		for (auto &r : refs) {
			put(3, r);
			sum += *value_in(3);
		}
		return bad ? 2 : sum != found ? 3 : 0;
	}), 0);
}
