// SPDX-License-Identifier: MIT
// Programs over an arena (arena.bpf.c) leave what they leave in the kernel: results, and every page.
#include <gtest/gtest.h>

#include "../shell.h"
#include "arenas.h"
#include "mapfmt.h"
#include "maps.h"

namespace {

const std::string objects = BPFTIME_ARENA_OBJECTS "/";
// at: map_extra is set.  anywhere: the address is chosen, and differs.  half: BPF_F_NO_USER_CONV.
const char *const kinds[] = {"at", "anywhere", "half"};

struct Program {
	std::string kind, name;
};

std::vector<Program> all()
{
	std::vector<Program> v;
	for (auto &name : arena_programs(objects + "arena_at.bpf.o"))
		for (auto kind : kinds)
			if (name != "fields")
				v.push_back({kind, name});
	return v;
}

void compare(const Program &p, const std::vector<std::string> &progs)
{
	const std::string object = objects + "arena_" + p.kind + ".bpf.o";
	arena_ran kernel = arena_kernel(object, progs);
	ASSERT_TRUE(kernel.ok) << kernel.why;
	for (unsigned level : {1u, 3u}) {
		arena_ran here = arena_here(object, progs, level);
		ASSERT_TRUE(here.ok) << here.why << " at -O" << level;
		EXPECT_EQ((uint32_t)here.r0, (uint32_t)kernel.r0) << "at -O" << level;
		for (unsigned i = 0; i < ARENA_OUT; i++)
			EXPECT_EQ(here.out[i], kernel.out[i]) << "out[" << i << "] at -O" << level;
		if (p.kind == "anywhere")	// addresses are in the pages
			continue;
		EXPECT_FALSE(kernel.page.empty());
		EXPECT_TRUE(here.page == kernel.page) << "pages differ at -O" << level;
	}
}

class ArenaProgram : public testing::TestWithParam<Program> {};

TEST_P(ArenaProgram, DoesWhatItDoesInTheKernel)
{
	if (!arena_kernel_usable())
		GTEST_SKIP() << "this process may not have arenas in the kernel";
	compare(GetParam(), {GetParam().name});
}

INSTANTIATE_TEST_SUITE_P(All, ArenaProgram, testing::ValuesIn(all()),
			 [](const auto &i) { return i.param.kind + "_" + i.param.name; });

TEST(ArenaPrograms, DoTheSameOneAfterTheOther)
{
	if (!arena_kernel_usable())
		GTEST_SKIP() << "this process may not have arenas in the kernel";
	for (auto kind : kinds)
		compare({kind, ""}, {"variables", "list", "hashed", "unbounded", "functions", "casts", "absent", "list"});
}

// What is known without asking: the kernel may be absent.
TEST(ArenaPrograms, LeaveWhatIsKnown)
{
	arena_ran r = arena_here(objects + "arena_at.bpf.o", {"variables"}, 3);
	ASSERT_TRUE(r.ok) << r.why;
	EXPECT_EQ(r.out[0], 0x1122334455667788u);
	EXPECT_EQ((int64_t)r.out[1], -5);
	EXPECT_EQ(r.out[4], 998001u);
	ASSERT_EQ(r.page.size(), 2u);
	EXPECT_EQ(r.page[0].substr(0, 8), std::string("\x89\x77\x66\x55\x44\x33\x22\x11", 8));
	r = arena_here(objects + "arena_at.bpf.o", {"absent"}, 3);
	ASSERT_TRUE(r.ok) << r.why;
	EXPECT_EQ(r.out[0], 0u);
	EXPECT_EQ(r.out[1], 0x1111222233334444u);
	EXPECT_EQ(r.out[13], 0x1111222233334444u);
	r = arena_here(objects + "arena_anywhere.bpf.o", {"list"}, 3);
	ASSERT_TRUE(r.ok) << r.why;
	EXPECT_EQ(r.out[1], 1000u);
	EXPECT_EQ(r.out[2], 0u);
	EXPECT_EQ(r.out[3], 2u);
}

// Where the address is taken the arena is mapped elsewhere, and programs notice nothing.
TEST(ArenaPrograms, RunWhereTheirAddressIsTaken)
{
	ArenaHere first(objects + "arena_at.bpf.o", 3, {"hashed"}), second(objects + "arena_at.bpf.o", 3, {"hashed"});
	uint64_t a, b;
	ASSERT_TRUE(first.ok && second.ok && first.run("hashed", &a) && second.run("hashed", &b));
	EXPECT_EQ((uint64_t)first.base("arena") + mapfmt_arena_pages(100), 0x100000000000u);
	EXPECT_NE(first.base("arena"), second.base("arena"));
	EXPECT_EQ(a, b);
	EXPECT_EQ(first.out(), second.out());
	EXPECT_TRUE(first.pages() == second.pages());
}

TEST(ArenaPrograms, ReadTheFieldsOfMaps)
{
	for (auto kind : kinds) {
		arena_ran r = arena_here(objects + "arena_" + kind + ".bpf.o", {"fields"}, 3);
		ASSERT_TRUE(r.ok) << r.why;
		uint32_t flags = MAP_F_MMAPABLE | (std::string(kind) == "half" ? MAP_F_NO_USER_CONV : 0);
		const uint64_t want[] = {MAP_TYPE_arena, 100, flags, 1, 1, 4, 8, 64, 1};
		for (int i = 0; i < 9; i++)
			EXPECT_EQ(r.out[i], want[i]) << kind << " " << i;
	}
}

// Of 16384 pages the bitmaps end where page 0 begins.
TEST(ArenaPrograms, StayInsideWhereTheBitmapsEndWithTheirPage)
{
	static_assert(2 * (16384 / 8) == ARENA_PAGE);
	arena_ran here = arena_here(objects + "arena_full.bpf.o", {"behind"}, 3);
	ASSERT_TRUE(here.ok) << here.why;
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(here.out[i], 0u) << i;
}

// bpftime-aot run, and so the vm library, by both engines.
TEST(ArenaPrograms, RunInTheVm)
{
	for (auto engine : {"aot", "jit"})
		for (auto kind : kinds) {
			std::string cmd = std::string(BPFTIME_BIN_DIR) + "/bpftime-aot run " + objects + "arena_" + kind +
					  ".bpf.o --prog hashed --engine " + engine + " --json";
			Output o = shell(cmd);
			EXPECT_EQ(o.status, 0) << cmd;
			EXPECT_EQ(o.text, "{\"name\":\"hashed\",\"r0\":\"0x1f4\",\"error\":null}\n") << cmd;
		}
}

// Here a process may follow the addresses that programs leave: they are those of its own memory.
TEST(ArenaPrograms, LeaveAddressesThatProcessesFollow)
{
	struct node {
		node *next;
		uint64_t key, value;
	};
	for (auto kind : {"at", "anywhere"}) {
		ArenaHere here(objects + "arena_" + kind + ".bpf.o", 3, {"functions"});
		uint64_t r0, sum = 0, n = 0;
		ASSERT_TRUE(here.ok && here.run("functions", &r0));
		auto pages = here.pages();
		// `head` is the first variable behind the table
		const node *at = nullptr;
		for (size_t i = 0; i + 8 <= ARENA_PAGE && !at; i += 8) {
			uint64_t v;
			memcpy(&v, pages[1].data() + i, 8);
			if (v >> 32)
				at = (const node *)v;
		}
		ASSERT_NE(at, nullptr) << kind;
		for (; at; at = at->next, n++)
			sum += at->key;
		EXPECT_EQ(n, 700u) << kind;
		EXPECT_EQ(sum, here.out()[1]) << kind;
	}
}

}
