// SPDX-License-Identifier: MIT
// Functions of every shape, hooked at their entry, at every instruction and at their return:
// all registers, flags and memory come out as without hooks, and the counts are exact.
#include "e2e.h"

#include <map>

#include "insn_x86_64.h"

using namespace e2e;

namespace {

const std::string kShapes[] = {
#define SHAPE(name_) #name_,
#include "targets/shapes.def"
#undef SHAPE
};

// How often shapes.c enters a function (12 times each, if nobody calls it besides).
uint64_t entries(const std::string &name)
{
	static const std::map<std::string, uint64_t> more = {
		{"plain_", 12 * 6},	// also call_first_, call_second_, call_indirect_, call_rsp_, tail_
		{"again_", 12 + 55},	// k = 2..11 comes back k - 1 times
	};
	auto i = more.find(name);

	return i == more.end() ? 12 : i->second;
}

class Shape : public testing::TestWithParam<std::string> {};

TEST_P(Shape, Entry)
{
	Patched p = patch(target("shapes"), {{COUNT, GetParam()}, {PACKED, GetParam()}, {FRAME, GetParam()},
					     {COUNT_MORE, GetParam()}});
	ASSERT_EQ(p.patched, 1u) << p.error << p.text;
	Result r = run_same(target("shapes"), p);
	for (Hook h : {COUNT, PACKED, FRAME, COUNT_MORE})
		EXPECT_EQ(r.count(h), entries(GetParam())) << h;
}

void check_return(const std::string &name, bool slots_only)
{
	plan_opts o = {};
	o.slots_only = slots_only;
	Patched p = patch(target("shapes"), {{COUNT, name}, {COUNT_RET, name}, {PACKED_RET, name},
					     {FRAME_RET, name}}, o);
	// the second reads a return address where its own would be, in a function of its own
	if (name == "carry_" || name == "call_address_") {
		ASSERT_EQ(p.refused, 1u) << p.text;
		return;
	}
	ASSERT_EQ(p.patched, 1u) << p.error << p.text;
	Result r = run_same(target("shapes"), p);
	EXPECT_EQ(r.count(COUNT), entries(name));
	for (Hook h : {COUNT_RET, PACKED_RET, FRAME_RET})
		EXPECT_EQ(r.count(h) + r.misses, entries(name)) << h;
	// A jump to the entry arms one more slot, at most seven at a place.
	EXPECT_EQ(r.misses, name == "again_" ? 1 + 2 + 3 + 4u : 0);
}

TEST_P(Shape, Return)
{
	check_return(GetParam(), false);
	check_return(GetParam(), true);
}

// The offsets of all instructions behind the first one.
std::vector<uint64_t> offsets(const std::string &name)
{
	arena *a = arena_new();
	image *im;
	diags dg = {};
	std::vector<uint64_t> v;

	EXPECT_EQ(image_read(a, target("shapes").c_str(), &im, &dg), 0);
	for (size_t i = 0; i < im->n_sym; i++) {
		const image_symbol &s = im->sym[i];
		if (name != s.name)
			continue;
		for (uint64_t off = 0; off < s.bytes;) {
			insn in;
			if (off)
				v.push_back(off);
			EXPECT_TRUE(insn_decode(image_at(im, s.vaddr + off, s.bytes - off),
						s.bytes - off, s.vaddr + off, &in));
			off += in.len;
		}
	}
	arena_free(a);
	return v;
}

// In the middle nothing is free: flags, the red zone, every register.
TEST_P(Shape, Offset)
{
	size_t patched = 0, offs = 0;

	for (uint64_t off : offsets(GetParam())) {
		Patched p = patch(target("shapes"), {{PACKED, GetParam(), off}, {FRAME, GetParam(), off}});
		ASSERT_EQ(p.error, "");
		offs++;
		if (p.refused) {
			printf("%s+%lu: %s\n", GetParam().c_str(), off, p.reasons[0].c_str());
			continue;
		}
		patched++;
		Result r = run_same(target("shapes"), p);
		EXPECT_EQ(r.count(PACKED), r.count(FRAME));
	}
	EXPECT_GE(patched * 2, GetParam() == "short_" ? 0 : offs);
}

INSTANTIATE_TEST_SUITE_P(All, Shape, testing::ValuesIn(kShapes),
			 [](const auto &i) { return i.param + "x"; });

}
