// SPDX-License-Identifier: MIT
// The built-in hook object is one that the linker itself takes, and it counts.
#include <gtest/gtest.h>

#include "builtin.h"
#include "file.h"
#include "load.h"

extern "C" const unsigned char bpftime_rt_archive[], bpftime_rt_archive_end[];

// With the runtime of these tests, and with the real one.
struct Builtin : testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Runtimes, Builtin, testing::Bool());

TEST_P(Builtin, Counts)
{
	arena *a = arena_new();
	diags dg = {};
	bytes archive = {bpftime_rt_archive, (size_t)(bpftime_rt_archive_end - bpftime_rt_archive)};
	uint8_t id[20] = {0xde, 0xad, 0xbe, 0xef};
	if (!GetParam()) {
		ASSERT_EQ(file_read(a, TEST_RT, &archive, nullptr, &dg), 0);
	}
	lnk *l = lnk_new(a, archive);
	bytes obj = lnk_builtin_count(a, {id, sizeof(id)});
	ASSERT_EQ(lnk_add_object(l, "count", obj, false, &dg), 0) << dg.first_text;
	ASSERT_EQ(lnk_n_hooks(l), 1u);
	EXPECT_EQ(memcmp(lnk_hook(l, 0)->stamp->hash, id, sizeof(id)), 0);
	EXPECT_EQ(lnk_hook(l, 0)->insns, 2u);
	uint32_t at = lnk_add_attach(l, 0, "f", 0);
	lnk_loaded p;
	ASSERT_EQ(lnk_load_here(l, PAYLOAD_PRIVATE, &p, &dg), 0) << dg.first_text;
	EXPECT_EQ(*(uint32_t *)lnk_word_vaddr(l, at), 1u);	// init enables what is ready
	for (int i = 0; i < 1000; i++)
		((void (*)())lnk_entry_vaddr(l, 0))();
	auto map = lnk_loaded_map(&p, "calls");
	ASSERT_NE(map, nullptr);
	EXPECT_EQ(*BPFTIME_REL(uint64_t, map->room_rel), 1000u);
	lnk_unload(&p);
	// The next target's object does not see the first one's id.
	obj = lnk_builtin_count(a, {id, 1});
	l = lnk_new(a, archive);
	ASSERT_EQ(lnk_add_object(l, "count", obj, false, &dg), 0);
	EXPECT_EQ(lnk_hook(l, 0)->stamp->hash[1], 0);
	arena_free(a);
}
