// SPDX-License-Identifier: MIT
// A payload loaded into this process runs, and its pages are never writable code.
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "file.h"
#include "load.h"

// Access of the mapping that holds p, as the kernel sees it: "r-xp".
static std::string access_of(const void *p)
{
	std::ifstream maps("/proc/self/maps");
	uintptr_t lo, hi, at = (uintptr_t)p;
	std::string line;
	char mode[5] = "";
	while (std::getline(maps, line))
		if (sscanf(line.c_str(), "%lx-%lx %4s", &lo, &hi, mode) == 3 && lo <= at && at < hi)
			return mode;
	return "none";
}

TEST(Load, ProgramsByName)
{
	arena *a = arena_new();
	diags dg = {};
	bytes archive, obj;
	ASSERT_EQ(file_read(a, TEST_RT, &archive, nullptr, &dg), 0);
	ASSERT_EQ(file_read(a, TEST_HOOK_A, &obj, nullptr, &dg), 0);
	lnk *l = lnk_new(a, archive);
	ASSERT_EQ(lnk_add_object(l, "a", obj, false, &dg), 0);
	lnk_loaded p;
	ASSERT_EQ(lnk_load_here(l, PAYLOAD_PRIVATE, &p, &dg), 0) << dg.first_text;
	EXPECT_EQ(access_of(p.base), "r-xp");
	EXPECT_EQ(access_of(p.base + p.bytes - 1), "rw-p");
	EXPECT_EQ(((bpftime_payload *)p.base)->bits, (uint32_t)PAYLOAD_PRIVATE);

	auto map = lnk_loaded_map(&p, "calls");
	ASSERT_NE(map, nullptr);
	EXPECT_EQ(lnk_loaded_map(&p, "call"), nullptr);
	*BPFTIME_REL(uint64_t, map->room_rel) = 40;
	uint64_t two = 2;
	lnk_body_fn *body = lnk_loaded_body(&p, "count");
	ASSERT_NE(body, nullptr);
	EXPECT_EQ(body(&two, 0), 42u);
	EXPECT_EQ(lnk_loaded_body(&p, "count_ret"), nullptr);
	EXPECT_EQ(lnk_loaded_body(&p, "no"), nullptr);
	EXPECT_EQ(lnk_find_hook(l, "count_ret"), 1);
	uint8_t *base = p.base;
	lnk_unload(&p);
	EXPECT_EQ(access_of(base), "none");
	arena_free(a);
}
