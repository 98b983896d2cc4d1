// SPDX-License-Identifier: MIT
// Several programs at one place: one jump, one set of saved registers, and each program finds and counts what it would
// find alone.
#include "e2e.h"

#include <set>

#include "decode_x86_64.h"
#include "hooks.h"

using namespace e2e;

namespace {

std::vector<Want> wants(const std::vector<Hook> &hooks, const std::string &where)
{
	std::vector<Want> w;

	for (Hook h : hooks)
		w.push_back({h, where});
	return w;
}

// What the programs left of the last call, in whatever order they ran.
TEST(Together, EachFindsTheRegistersAsTheyWere)
{
	const std::vector<std::vector<Hook>> orders = {
		{SUM_DI, BUSY, PACKED, FRAME_PART, FRAME, SWAP, FRAME_MORE}, {BUSY, SUM_DI, SWAP, PACKED, FRAME, FRAME_MORE},
		{FRAME, FRAME_MORE, BUSY, SWAP, SUM_DI, PACKED}, {SWAP, FRAME_MORE, FRAME, SUM_DI, BUSY, PACKED},
		{FRAME_MORE, PACKED, SWAP, FRAME, BUSY, SUM_DI}, {BUSY, FRAME, FRAME_MORE, PACKED, SUM_DI, SWAP},
		{FRAME, BUSY, FRAME_PART, PACKED, SUM_DI, SWAP, FRAME_MORE},
	};

	for (const auto &order : orders) {
		Patched p = patch(target("shapes"), wants(order, "*_"));
		ASSERT_GT(p.patched, 15u) << p.error << p.text;
		Result r = run_same(target("shapes"), p);
		auto frame = [&](unsigned field) { return r.cell[129 + field]; };

		for (Hook h : order)
			EXPECT_EQ(r.count(h), r.count(SUM_DI)) << h;
		EXPECT_EQ(r.cell[19], 3 * r.cell[4]);	// busy's sum and that of sum_di
		EXPECT_EQ(r.cell[10], frame(CTX_R11));
		EXPECT_EQ(r.cell[11], frame(CTX_SI));
		EXPECT_EQ(r.cell[12], frame(CTX_DI));
		EXPECT_EQ(r.cell[13], frame(CTX_IP));
		EXPECT_EQ(r.cell[14], frame(CTX_SP));
		for (unsigned i = 0; i < CTX_FIELDS; i++)
			if (i != CTX_COOKIE)
				EXPECT_EQ(r.cell[385 + i], frame(i)) << i;
		EXPECT_EQ(frame(CTX_COOKIE), r.cell[15] + FRAME - PACKED);	// e2e.cpp gives each its own
		EXPECT_EQ(r.cell[385 + CTX_COOKIE], r.cell[15] + FRAME_MORE - PACKED);
		EXPECT_EQ(r.cell[25], frame(CTX_AX));
		EXPECT_EQ(r.cell[26], frame(CTX_DX));
		EXPECT_EQ(r.cell[27], frame(CTX_SI));
		EXPECT_EQ(r.cell[28], frame(CTX_DI));
		if (r.count(FRAME_PART)) {
			EXPECT_EQ(r.cell[30], frame(CTX_SI));
			EXPECT_EQ(r.cell[31], frame(CTX_DI));
			EXPECT_EQ(r.cell[32], frame(CTX_SP));
			EXPECT_EQ(r.cell[33], r.cell[15] + FRAME_PART - PACKED);
		}
		EXPECT_EQ(frame(CTX_SI), 0x1111111111111111u * 6 + 11);	// shapes.c, the last of 12
	}
}

// Each is enabled and disabled alone, at the entry and at the return, also by tools that store a 1.
TEST(Together, EachHasItsWord)
{
	const std::vector<Hook> hooks = {SUM_DI, BUSY, COUNT_RET, COUNT_MORE, BUSY_RET, PACKED_RET};
	plan_opts slots = {};

	slots.slots_only = true;
	for (const plan_opts &o : {plan_opts{}, slots}) {
		Patched p = patch(target("shapes"), wants(hooks, "plain_"), o);
		ASSERT_EQ(p.patched, 1u) << p.error << p.text;
		uint64_t calls = run({target("shapes")}, p.path).count(SUM_DI);
		ASSERT_GT(calls, 12u);
		for (uint64_t off = 0; off < 1u << hooks.size(); off += 7) {	// none, all, and some of either
			Result r = run({target("shapes")}, p.path, off, off * 5 & ~off);

			EXPECT_EQ(r.status, 0);
			for (size_t i = 0; i < hooks.size(); i++)
				EXPECT_EQ(r.count(hooks[i]), off >> i & 1 ? 0 : calls) << hooks[i] << " of " << off;
			EXPECT_EQ(r.misses, 0u);
		}
	}
}

// Behind them, who decides is heard as if it was alone.
TEST(Together, WhoDecidesComesLast)
{
	Patched alone = patch(target("shapes"), wants({DECIDE}, "plain_"));
	Patched p = patch(target("shapes"), wants({BUSY, DECIDE, SUM_DI, BUSY_RET, COUNT_RET}, "plain_"));
	ASSERT_EQ(p.patched, 1u) << p.error << p.text;
	Result a = run({target("shapes")}, alone.path), r = run({target("shapes")}, p.path);
	EXPECT_EQ(a.out, r.out);
	for (Hook h : {BUSY, DECIDE, SUM_DI, BUSY_RET, COUNT_RET})
		EXPECT_EQ(r.count(h), a.count(DECIDE)) << h;
}

struct Way {
	size_t compares = 0, branches = 0, calls = 0, pops = 0, stores = 0, insns = 0;
	std::multiset<unsigned> pushed;
};

// The way of a call that finds everything enabled, from the site's jump to the next one.
Way way(const Patched &p)
{
	Way w;
	dec_insn in;

	for (uint64_t at = p.at[0]; at < p.tramp.size(); at += in.len, w.insns++) {
		const uint8_t *b = &p.tramp[at];
		if (!dec_x86_64(b, p.tramp.size() - at, p.tramp_vaddr + at, &in) || in.bits & DEC_JMP)
			break;
		w.branches += !!(in.bits & DEC_COND);
		w.calls += !!(in.bits & DEC_CALL);
		w.compares += (b[0] == 0x83 && b[1] == 0x3d) || (b[0] == 0x48 && b[1] == 0x83 && b[2] == 0x3d);
		if (in.bits & DEC_PUSH)
			w.pushed.insert(b[0] == 0x41 ? 8 + (b[1] & 7) : b[0] & 7);
		w.stores += (b[0] & 0xf8) == 0x48 && (b[1] == 0x89 || b[1] == 0xc7) && (b[2] & 7) == 4;	// into the frame
		w.pops += (b[0] & 0xf8) == 0x58 || (b[0] == 0x41 && (b[1] & 0xf8) == 0x58);
	}
	return w;
}

TEST(Together, OneSetOfRegistersAndHalfTheCompares)
{
	Patched p = patch(target("shapes"), wants({SUM_DI, COUNT_MORE, SWAP, COUNT}, "plain_"));
	ASSERT_EQ(p.patched, 1u) << p.error << p.text;
	Way w = way(p);
	EXPECT_EQ(w.compares, 2u);
	EXPECT_EQ(w.branches, 2u);
	EXPECT_EQ(w.calls, 0u);
	// what swap's parameters change, and r11; rbp by plain_ itself
	EXPECT_EQ(w.pushed, (std::multiset<unsigned>{1, 2, 5, 6, 7, 11}));
	EXPECT_EQ(w.pops, 5u);

	p = patch(target("shapes"), wants({BUSY, SWAP, COUNT}, "plain_"));
	ASSERT_EQ(p.patched, 1u) << p.error << p.text;
	w = way(p);
	EXPECT_EQ(w.compares, 2u);
	EXPECT_EQ(w.branches, 2u + 2);	// the body's own
	EXPECT_EQ(w.calls, 0u);
	EXPECT_EQ(w.pushed, (std::multiset<unsigned>{0, 1, 2, 3, 5, 6, 7, 11, 12}));

	// Two frames are one.
	p = patch(target("shapes"), wants({FRAME, FRAME_MORE}, "plain_"));
	ASSERT_EQ(p.patched, 1u) << p.error << p.text;
	Way one = way(patch(target("shapes"), wants({FRAME}, "plain_")));
	EXPECT_LE(way(p).insns, one.insns + 7);	// a cookie, its address, a call; r11; a copy of the flags

	// The return program's word is compared together with that of the entry's.
	p = patch(target("shapes"), wants({COUNT_CLEAN, COUNT_RET}, "plain_"));
	w = way(p);
	EXPECT_EQ(w.compares, 1u + 1);		// the second one at the return
	EXPECT_EQ(w.calls, 1u);			// the function
}

// At a stub r11 is pushed only where a program behind another reads it.
TEST(Together, StubsSaveR11ForPrograms)
{
	const std::vector<std::vector<Hook>> without = {
		{COUNT}, {FRAME}, {COUNT, COUNT_MORE, SUM_DI}, {FRAME, COUNT}, {PACKED, SUM_DI, COUNT}, {COUNT_CLEAN, PACKED},
	};
	auto pushes = [](const std::vector<Hook> &hooks) {
		return way(patch(target("import-now"), wants(hooks, "plain"))).pushed.count(11);
	};

	for (const auto &hooks : without)
		EXPECT_EQ(pushes(hooks), 0u) << hooks[0];
	EXPECT_EQ(pushes({COUNT, PACKED}), 1u);
}

// Of a frame only what the program reads is written.
TEST(Together, FramesHoldWhatIsRead)
{
	Way whole = way(patch(target("shapes"), wants({FRAME}, "plain_")));
	Way part = way(patch(target("shapes"), wants({FRAME_PART}, "plain_")));	// with its body
	EXPECT_LT(part.insns + 10, whole.insns);
	EXPECT_EQ(whole.stores, CTX_FIELDS - 1u);	// the flags are pushed where they belong
}

TEST(Together, CostsLessThanEachAlone)
{
	double sum = 0;

	for (Hook h : {SUM_DI, BUSY, SWAP, COUNT_MORE})
		sum += patch(target("shapes"), wants({h}, "plain_")).ns[0];
	Patched p = patch(target("shapes"), wants({SUM_DI, BUSY, SWAP, COUNT_MORE}, "plain_"));
	EXPECT_LT(p.ns[0], sum);
}

}
