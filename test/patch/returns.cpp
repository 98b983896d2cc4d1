// SPDX-License-Identifier: MIT
// Return hooks through everything that is done to frames besides returning.
#include "e2e.h"
#include "rt.h"

using namespace e2e;

namespace {

// "name 123" in the output.
uint64_t said(const Result &r, const std::string &name)
{
	size_t p = r.out.rfind("\n" + name + " ");

	if (p == std::string::npos)
		p = r.out.compare(0, name.size() + 1, name + " ") ? std::string::npos : -1ul;
	EXPECT_TRUE(p != std::string::npos || !r.out.empty()) << name;
	return strtoull(r.out.c_str() + p + name.size() + 2, nullptr, 10);
}

// A target, and whether returns go through slots even where the function could be called.
struct Build {
	const char *name;
	bool slots = false;

	plan_opts opts() const
	{
		plan_opts o = {};
		o.slots_only = slots;
		return o;
	}
};
void PrintTo(const Build &b, std::ostream *o) { *o << b.name << (b.slots ? ", slots" : ""); }

std::string test_name(const testing::TestParamInfo<Build> &i)
{
	std::string s = i.param.name;

	for (char &c : s)
		c = c == '-' ? '_' : c;
	return s + (i.param.slots ? "_slots" : "");
}

std::vector<Build> both_ways(std::initializer_list<const char *> names)
{
	std::vector<Build> v;

	for (const char *n : names)
		for (bool slots : {false, true})
			v.push_back({n, slots});
	return v;
}

// All functions hooked_*; the parts that gcc split off them are refused.
Patched hook_all(const Build &b)
{
	Patched p = patch(target(b.name), {{COUNT, "hooked_*"}, {COUNT_RET, "hooked_*"}, {PACKED_RET, "hooked_*"}},
			  b.opts());
	size_t cold = 0;

	for (size_t at = 0; (at = p.text.find(".cold refused", at)) != std::string::npos; at++)
		cold++;
	EXPECT_EQ(p.refused, cold) << p.text;
	return p;
}

// Every call and every return that the program has counted itself.
void none_missed(const Result &r)
{
	EXPECT_EQ(r.count(COUNT), said(r, "entries"));
	EXPECT_EQ(r.count(COUNT_RET), said(r, "returns"));
	EXPECT_EQ(r.misses, 0u);
}

class Eh : public testing::TestWithParam<Build> {};

TEST_P(Eh, ThrowThroughHookedFrames)
{
	Patched p = hook_all(GetParam());
	Result r = run_same(target(GetParam().name), p);
	ASSERT_EQ(r.status, 0) << r.out;
	EXPECT_EQ(r.count(PACKED_RET), said(r, "returns"));
	none_missed(r);
}

// Frames that exceptions left do not use up the pool.
TEST_P(Eh, SlotsComeBack)
{
	Patched p = hook_all(GetParam());
	Result r = run_same(target(GetParam().name), p, {"300"});
	none_missed(r);
}

INSTANTIATE_TEST_SUITE_P(Builds, Eh, testing::ValuesIn(both_ways({"eh", "eh-O0", "eh-static-pie", "eh-static"})), test_name);

class Jumps : public testing::TestWithParam<Build> {
protected:
	Result go(std::vector<std::string> args)
	{
		Patched p = hook_all(GetParam());
		Result r = run_same(target(GetParam().name), p, args);
		EXPECT_EQ(r.status, 0);
		return r;
	}
};

TEST_P(Jumps, Longjmp)
{
	Result r = go({"longjmp"});
	none_missed(r);
}

TEST_P(Jumps, RecursionWithinThePool)
{
	Result r = go({"recurse", "1000"});	/* of any size: abi/rt.h, RT_SLOT_HASH */
	EXPECT_EQ(r.count(COUNT), 1001u);
	EXPECT_EQ(r.count(COUNT_RET), 1001u);
	EXPECT_EQ(r.misses, 0u);
}

TEST_P(Jumps, RecursionBeyondThePool)
{
	Result r = go({"recurse", "20000"});
	EXPECT_EQ(r.count(COUNT), 20001u);
	EXPECT_EQ(r.count(COUNT_RET) + r.misses, 20001u);
	if (GetParam().slots) {
		EXPECT_GE(r.count(COUNT_RET), 1000u);
		EXPECT_LE(r.count(COUNT_RET), (uint64_t)RT_SLOTS);
	} else {
		EXPECT_EQ(r.count(COUNT_RET), 20001u);
	}
}

TEST_P(Jumps, TailCalls)
{
	Result r = go({"tail"});
	EXPECT_EQ(r.count(COUNT), said(r, "entries"));
	EXPECT_EQ(r.count(COUNT_RET), 6u);
	EXPECT_EQ(r.misses, 0u);
}

TEST_P(Jumps, SignalStack)
{
	Result r = go({"altstack"});
	none_missed(r);
}

TEST_P(Jumps, Coroutines)
{
	Result r = go({"coroutines"});
	none_missed(r);
}

TEST_P(Jumps, Fork)
{
	Result r = go({"fork"});
	// the children's: one return of hooked_fork and six of hooked_recurse each
	EXPECT_EQ(r.count(COUNT), said(r, "entries") + 10 * 6);
	EXPECT_EQ(r.count(COUNT_RET), said(r, "returns") + 10 * 7);
	EXPECT_EQ(r.misses, 0u);
}

TEST_P(Jumps, Vfork)
{
	Result r = go({"vfork"});
	EXPECT_EQ(r.count(COUNT), said(r, "entries") + 20);
	EXPECT_EQ(r.count(COUNT_RET), said(r, "returns"));
	EXPECT_EQ(r.misses, 0u);
}

TEST_P(Jumps, SignalsAnywhere)
{
	Patched p = hook_all(GetParam());
	Result r = run({p.path, "timer"});
	EXPECT_EQ(r.status, 0);
	EXPECT_NE(r.out.find("often"), std::string::npos) << r.out;
	none_missed(r);
}

INSTANTIATE_TEST_SUITE_P(Builds, Jumps, testing::ValuesIn(both_ways({"jumps", "jumps-O0", "jumps-static"})), test_name);

class Values : public testing::TestWithParam<Build> {};

TEST_P(Values, Survive)
{
	Patched p = hook_all(GetParam());
	Result r = run_same(target(GetParam().name), p);
	EXPECT_EQ(r.count(COUNT), said(r, "calls"));
	EXPECT_EQ(r.count(COUNT_RET), said(r, "calls"));
}

INSTANTIATE_TEST_SUITE_P(Builds, Values, testing::ValuesIn(both_ways({"values", "values-O0", "values-avx"})), test_name);

// From every instruction of every trampoline there is a way back: signals arrive anywhere, and
// handlers throw, print backtraces or are cancelled.
class Steps : public testing::TestWithParam<Build> {};

void unwind_everywhere(const Build &b, const Patched &p, unsigned long longer = 4)
{
	ASSERT_GT(p.patched, 15u) << p.error << p.text;
	Result plain = run({target(b.name)}), r = run({p.path});
	ASSERT_EQ(r.status, 0) << r.out;
	EXPECT_GT(said(r, "steps"), longer * said(plain, "steps"));
	EXPECT_EQ(plain.out.find("lost"), std::string::npos) << plain.out;
	for (size_t at = 0; (at = r.out.find("lost 0x", at)) != std::string::npos; at++) {
		uint64_t pc = strtoull(r.out.c_str() + at + 5, nullptr, 16);
		EXPECT_FALSE(pc - p.tramp_vaddr < p.tramp_bytes)
			<< std::hex << pc << " = trampolines + " << pc - p.tramp_vaddr;
	}
}

TEST_P(Steps, UnwindFromEveryInstruction)
{
	unwind_everywhere(GetParam(), patch(target(GetParam().name),
			  {{COUNT, "*_"}, {FRAME, "*_"}, {PACKED, "*_"}, {COUNT_RET, "*_"},
			   {FRAME_RET, "*_"}, {PACKED_RET, "*_"}}, GetParam().opts()));
}

TEST_P(Steps, UnwindFromBodiesInLine)
{
	unwind_everywhere(GetParam(), patch(target(GetParam().name),
			  {{BUSY, "*_"}, {SWAP, "*_"}, {BUSY_RET, "*_"}}, GetParam().opts()), 3);
}

TEST_P(Steps, UnwindWhereTheFunctionDoesNotRun)
{
	unwind_everywhere(GetParam(), patch(target(GetParam().name),
			  {{DECIDE, "*_"}, {FRAME, "*_"}, {COUNT_RET, "*_"}, {FRAME_RET, "*_"},
			   {PACKED_RET, "*_"}}, GetParam().opts()));
}

INSTANTIATE_TEST_SUITE_P(Builds, Steps, testing::ValuesIn(both_ways({"steps", "steps-static"})), test_name);

class Threads : public testing::TestWithParam<Build> {};

TEST_P(Threads, ComeAndGo)
{
	Patched p = hook_all(GetParam());
	Result r = run({p.path});
	EXPECT_EQ(r.status, 0) << r.out;
	EXPECT_EQ(r.count(COUNT), said(r, "entries"));
	EXPECT_EQ(r.count(COUNT_RET) + r.misses, said(r, "returns"));
	EXPECT_LT(r.misses, said(r, "entries") / 1000);
	Result plain = run({target(GetParam().name)});
	EXPECT_EQ(said(plain, "total"), said(r, "total"));
	EXPECT_EQ(said(plain, "cleanups"), said(r, "cleanups"));
}

INSTANTIATE_TEST_SUITE_P(Builds, Threads, testing::ValuesIn(both_ways({"threads", "threads-static"})), test_name);

}
