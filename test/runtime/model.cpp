// SPDX-License-Identifier: MIT
// The protocols of docs/maps.md, checked exhaustively by spin in small bounds; and the same models
// with a step left out, in which it must find an error.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "../shell.h"

static std::string run(const std::string &cmd) { return shell(cmd).text; }

// What pan says; "" when spin is missing.
static std::string check(const char *model, const std::string &defs, const char *level)
{
	if (run("command -v spin").empty())
		return "";
	char dir[] = "/tmp/bpftime-spin-XXXXXX";
	if (!mkdtemp(dir))
		return "";
	std::string out = run(std::string("cd ") + dir + " && spin " + defs +
			      " -a " BPFTIME_SOURCE_DIR "/docs/model/" + model +
			      " && " TEST_CC " " + std::string(level) +
			      " -w -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m200000");
	run(std::string("rm -rf ") + dir);
	return out;
}

struct Model {
	const char *name, *file, *defs;
	bool holds;
};

static void PrintTo(const Model &m, std::ostream *os)
{
	*os << m.name;
}

class Spin : public testing::TestWithParam<Model> {};

TEST_P(Spin, Checks)
{
	std::string out = check(GetParam().file, GetParam().defs,
				GetParam().holds ? " -O1" : " -O0");
	if (out.empty())
		GTEST_SKIP() << "spin is not installed";
	ASSERT_NE(out.find("errors: "), std::string::npos) << out;
	EXPECT_EQ(out.find("errors: 0") != std::string::npos, GetParam().holds) << out;
	if (GetParam().holds) {
		EXPECT_EQ(out.find("Search not completed"), std::string::npos) << out;
	}
}

static const Model models[] = {
	{"hash", "hash.pml", "", true},
	{"hash_two_kills", "hash.pml", "-DKILLS=2 -DREADS=0", true},
	{"hash_nobody_repairs", "hash.pml", "-DBUG=1", false},
	{"hash_live_before_linked", "hash.pml", "-DBUG=2", false},
	{"hash_home_ignored", "hash.pml", "-DBUG=3", false},
	{"hash_spare", "hash.pml", "-DSPARE", true},
	{"hash_spare_two_kills", "hash.pml", "-DSPARE -DKILLS=2 -DREADS=0", true},
	{"hash_spare_taken_buckets_passed_by", "hash.pml", "-DSPARE -DBUG=4", false},
	{"hash_spare_not_pending_first", "hash.pml", "-DSPARE -DBUG=5", false},
	{"ring", "ring.pml", "-DOPS=1 -DKILLS=2", true},
	{"ring_full", "ring.pml", "-DOPS=1 -DKILLS=1 -DCAP=1", true},
	{"ring_wraps", "ring.pml", "-DPRODUCERS=1 -DOPS=4", true},
	{"ring_lock_ignored", "ring.pml", "-DOPS=1 -DBUG=1", false},
	{"ring_position_first", "ring.pml", "-DOPS=1 -DBUG=2", false},
	{"ring_no_second_look", "ring.pml", "-DOPS=1 -DBUG=3", false},
};
INSTANTIATE_TEST_SUITE_P(Models, Spin, testing::ValuesIn(models),
			 [](const auto &i) { return std::string(i.param.name); });
