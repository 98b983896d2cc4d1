// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "hooks.h"
#include "map_mem.h"
#include "payload.h"
#include "rt_helpers.h"

static uint64_t one(void *)
{
	return 1;
}

static uint64_t two(void *)
{
	return 2;
}

TEST(RtTailCall, FindsProgramsOfThisPayloadAndKind)
{
	tp_hook(HOOK_uprobe, 0x1111, one);
	tp_hook(HOOK_xdp, 0x2222, two);
	tp_hook(HOOK_uprobe, 0x3333, nullptr);
	tp_hook(HOOK_uprobe, 0, two);
	tp_finish(nullptr, 0);
	MapMem a(map_attrs(MAP_TYPE_prog_array, 4, 4, 8));
	auto put = [&](uint32_t slot, uint32_t id) {
		return rt_map_update(&a.m, a.base, &slot, &id, 0);
	};
	auto target = [&](uint64_t slot, prog_type t) {
		return bpftime_h_tail_call(nullptr, &a.m, a.base, slot, t);
	};
	ASSERT_EQ(put(0, 0x1111) | put(1, 0x2222) | put(2, 0x3333) | put(3, 1) | put(4, 0x5555), 0);
	EXPECT_EQ(target(0, PROG_KPROBE), (void *)one);
	EXPECT_EQ(target(1ull << 32, PROG_KPROBE), (void *)one);	// the low half counts
	EXPECT_EQ(target(0, PROG_XDP), nullptr);
	EXPECT_EQ(target(1, PROG_XDP), (void *)two);
	EXPECT_EQ(target(2, PROG_KPROBE), nullptr);	// has no body
	EXPECT_EQ(target(3, PROG_KPROBE), (void *)two);	// 0 counts as 1
	EXPECT_EQ(target(4, PROG_KPROBE), nullptr);	// of another payload
	EXPECT_EQ(target(5, PROG_KPROBE), nullptr);	// empty
	EXPECT_EQ(target(8, PROG_KPROBE), nullptr);	// behind the end
	uint32_t slot = 0, id = 0;
	EXPECT_EQ(rt_map_lookup(&a.m, a.base, &slot, &id, 0), 0);
	EXPECT_EQ(id, 0x1111u);
	EXPECT_EQ(rt_map_delete(&a.m, a.base, &slot), 0);
	EXPECT_EQ(rt_map_delete(&a.m, a.base, &slot), -ENOENT);
	EXPECT_EQ(rt_map_lookup(&a.m, a.base, &slot, &id, 0), -ENOENT);
	EXPECT_EQ(target(0, PROG_KPROBE), nullptr);
}
