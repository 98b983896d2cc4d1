// SPDX-License-Identifier: MIT
// Programs at system calls take the same stacks, on the way in and out: those that the unwinder finds.
#include "stacks.h"

#include <algorithm>

static uint64_t end_of(const std::string &path)
{
	struct arena *a = arena_new();
	struct diags dg = {};
	struct image *im;
	uint64_t end = image_read(a, path.c_str(), &im, &dg) ? 0 : im->vaddr_end;
	arena_free(a);
	return end;
}

TEST(WalkSyscalls, IsTheUnwinders)
{
	Scratch s;
	std::string program;
	if (!have("gcc"))
		GTEST_SKIP() << "no gcc here";
	ASSERT_EQ(compile_walked(s, "gcc -static -DLEAF_IS_A_SYSCALL", program), "");
	Output p = shell(bin + "bpftime-patch --binary " + program + " " SYSCALLS_HOOK " -o " + (s / "patched"));
	ASSERT_EQ(p.status, 0) << p.text;
	Output r = shell("BPFTIME_DIR=" + s.dir + "/maps " + (s / "patched"));
	ASSERT_EQ(r.status, 0) << r.text;
	// The signal of raise() comes in at a hooked system call: the unwinder sees the trampoline.
	auto want = printed(r.text);
	uint64_t end = end_of(program);
	for (auto &w : want)
		w.erase(std::remove_if(w.begin(), w.end(), [&](uint64_t ip) { return ip >= end; }), w.end());
	ASSERT_EQ(want.size(), 9u);
	for (auto map : {"stacks", "exits", "raw"}) {
		auto got = taken(s.dir + "/maps", map);
		ASSERT_EQ(got.size(), 8u) << map;	// many() calls something else
		for (size_t i = 0, k = 0; i < 9; i++)
			if (i != 5 && k < 8)
				EXPECT_EQ(hex(from(got[k++], 2)), hex(from(want[i], 1))) << map << " " << i;
	}
}
