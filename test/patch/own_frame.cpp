// SPDX-License-Identifier: MIT
// Functions that may be called from a trampoline, and those whose arguments would be lost.
#include "own_frame.h"

#include "e2e.h"

using namespace e2e;

namespace {

class OwnFrame : public testing::TestWithParam<const char *> {};

TEST_P(OwnFrame, KnowsWhoReachesUp)
{
	arena *a = arena_new();
	diags dg = {};
	image *im;
	unsigned up = 0, own = 0;

	ASSERT_EQ(image_read(a, target(GetParam()).c_str(), &im, &dg), 0) << dg.first_text;
	for (size_t i = 0; i < im->n_sym; i++) {
		std::string name = im->sym[i].name;
		if (name.compare(0, 3, "up_") == 0) {
			EXPECT_FALSE(own_frame_only(im, im->sym[i].vaddr)) << name;
			up++;
		} else if (name.compare(0, 4, "own_") == 0) {
			EXPECT_TRUE(own_frame_only(im, im->sym[i].vaddr)) << name;
			own++;
		}
	}
	EXPECT_EQ(up, 9u);
	EXPECT_EQ(own, 4u);
	arena_free(a);
}

// What decides it: the program does the same with every function hooked.
TEST_P(OwnFrame, ProgramDoesTheSame)
{
	Patched p = patch(target(GetParam()), {{COUNT_RET, "up_*"}, {COUNT_RET, "own_*"}});
	EXPECT_EQ(p.patched, 13u) << p.text;
	Result r = run_same(target(GetParam()), p);
	EXPECT_EQ(r.misses, 0u);
	EXPECT_GT(r.count(COUNT_RET), 130u);
}

INSTANTIATE_TEST_SUITE_P(Builds, OwnFrame,
			 testing::Values("frames-O0", "frames-O1", "frames-O2", "frames-O3", "frames-fp",
					 "frames-push", "frames-avx"),
			 [](const auto &i) {
				 std::string s = i.param;
				 for (char &c : s)
					 c = c == '-' ? '_' : c;
				 return s;
			 });

}
