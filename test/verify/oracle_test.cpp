// SPDX-License-Identifier: MIT
// The kernel on this machine as the oracle, in a short form; scripts/verify-oracle is the
// long one.
#include <gtest/gtest.h>

#include <unistd.h>

#include "exempt.h"
#include "kernel.h"
#include "oracle.h"
#include "run.h"

static kernel_oracle &kernel()
{
	static kernel_oracle k;
	return k;
}

#define NEEDS_KERNEL()                                                            \
	if (!kernel().usable())                                                   \
	GTEST_SKIP() << "this process may not load BPF programs into the kernel"

TEST(Oracle, GeneratedProgramsAgree)
{
	NEEDS_KERNEL();
	auto table = read_exemptions(BPFTIME_ORACLE_EXEMPTIONS);
	unsigned accepted = 0, both = 0;
	for (uint64_t seed = 1; seed <= 1200; seed++) {
		gen_prog p = generate(seed);
		std::string log;
		int fd = kernel().load(p, nullptr);
		if (fd < 0 && verify(p).accepted) {
			fd = kernel().load(p, &log);
			EXPECT_TRUE(fd >= 0 || exempt(table, find(p, log)))
				<< "seed " << seed << ": accepted here, but the kernel says " << last_line(log);
		}
		if (fd < 0)
			continue;
		close(fd);
		accepted++;
		both += verify(p).accepted;
	}
	EXPECT_GT(accepted, 200u);
	EXPECT_GE(both * 100, accepted * 97);
}

// What both accept does the same: natively, and in the kernel on the same packet.
TEST(Oracle, GeneratedProgramsRunAlike)
{
	NEEDS_KERNEL();
	run_batch batch(kernel());
	std::string text;
	for (uint64_t seed = 100000; seed < 103000 && batch.size() < 100; seed++) {
		gen_prog p = generate(seed);
		if (!runnable(p))
			continue;
		p = repeatable(p);
		our_verdict v = verify(p, 0, true);
		int fd = v.accepted && !v.by_chance ? kernel().load(p, nullptr) : -1;
		if (fd < 0)
			continue;
		close(fd);
		batch.add(p);
	}
	EXPECT_TRUE(batch.compare(&text)) << text;
	EXPECT_EQ(batch.compared, 100u);
}

// The table of exemptions is read, and a row of it excuses only what it says.
TEST(Oracle, ExemptionsAreNarrow)
{
	gen_prog p = {PROG_KPROBE, {}, 1};
	our_verdict yes = {true, "", "", 0, 0, false, {true, true, false}}, no = yes;
	no.accepted = false, no.insn = 2, no.code = "V010";
	auto excused = [&](exemption e, const char *says, int64_t at) {
		return exempt({e}, {p, says, at, yes, [&](uint32_t plain) { return plain & PLAIN_SLOT ? no : yes; }}) != nullptr;
	};
	exemption slot = {"too far", WHEN_WITHOUT, PLAIN_SLOT, "", "a reason"}, division = slot, coded = slot;
	division.arg = PLAIN_DIVISION, coded.code = "V010";
	EXPECT_TRUE(excused(slot, "a jump too far", 2));
	EXPECT_FALSE(excused(slot, "a jump too short", 2));
	EXPECT_FALSE(excused(division, "a jump too far", 2));	// it knows that
	EXPECT_FALSE(excused(slot, "a jump too far", 1));	// refused elsewhere
	EXPECT_TRUE(excused(coded, "a jump too far", 1));	// ... by that code
	coded.code = "V011";
	EXPECT_FALSE(excused(coded, "a jump too far", 1));
	no.insn = 0;
	EXPECT_TRUE(excused(slot, "a jump too far", 2));	// never executed
	exemption always = {"too far", WHEN_ALWAYS, 0, "", "a reason"}, loops = always, uncalled = always, seed = always;
	loops.when = WHEN_LOOPS, uncalled.when = WHEN_UNCALLED, seed.when = WHEN_SEED, seed.arg = 7;
	EXPECT_TRUE(excused(always, "a jump too far", 1));
	EXPECT_FALSE(excused(loops, "a jump too far", 1));
	EXPECT_FALSE(excused(uncalled, "a jump too far", 1));
	p.insn = {{BPFI_LD_IMM64, 1, BPFI_LD_FUNC, 0, 1}, {0, 0, 0, 0, 0}, {BPFI_JMP_EXIT, 0, 0, 0, 0}};
	EXPECT_TRUE(excused(loops, "a jump too far", 1));
	EXPECT_TRUE(excused(uncalled, "a jump too far", 1));
	yes.reached[2] = true;
	EXPECT_FALSE(excused(uncalled, "a jump too far", 1));
	EXPECT_FALSE(excused(seed, "a jump too far", 1));
	seed.arg = 1;
	EXPECT_TRUE(excused(seed, "a jump too far", 1));
	auto table = read_exemptions(BPFTIME_ORACLE_EXEMPTIONS);
	EXPECT_FALSE(table.empty());
	for (auto &e : table)
		EXPECT_FALSE(e.message.empty() || e.reason.empty());
}

// A row for one program is about one that is still generated, and still differs in that way.
TEST(Oracle, RowsForOneProgramAreAboutIt)
{
	NEEDS_KERNEL();
	for (auto &e : read_exemptions(BPFTIME_ORACLE_EXEMPTIONS)) {
		if (e.when != WHEN_SEED)
			continue;
		gen_prog p = generate(e.arg);
		std::string log;
		EXPECT_TRUE(verify(p).accepted) << "seed " << e.arg;
		EXPECT_LT(kernel().load(p, &log), 0) << "seed " << e.arg;
		EXPECT_NE(last_line(log).find(e.message), std::string::npos) << "seed " << e.arg << ": " << last_line(log);
	}
}

// May a program of that kind call the helper at all?  With all arguments set to 0 nothing
// else is answered.
static bool kernel_has(enum prog_type type, int32_t id)
{
	gen_prog p = {type, {}, 0};
	for (uint8_t r = 1; r <= 5; r++)
		p.insn.push_back({BPFI_ALU64 | BPFI_MOV, r, 0, 0, 0});
	p.insn.push_back({BPFI_JMP_CALL, 0, 0, 0, id});
	p.insn.push_back({BPFI_ALU64 | BPFI_MOV, 0, 0, 0, 0});
	p.insn.push_back({BPFI_JMP_EXIT, 0, 0, 0, 0});
	std::string log;
	int fd = kernel().load(p, &log);
	if (fd >= 0)
		close(fd);
	return fd >= 0 || (log.find("cannot use helper") == std::string::npos &&
			   log.find("unknown func") == std::string::npos &&
			   log.find("not supported for program type") == std::string::npos);
}

TEST(Oracle, HelpersBelongToTheSameKindsOfProgram)
{
	NEEDS_KERNEL();
	for (int32_t id = 0; id < HELPER_ID_END; id++) {
		const struct helper_proto *h = helper_proto(id);
		// get_func_ip: the kernel looks at the arguments first.
		// get_func_arg, _ret, _arg_cnt: the kernel's are for fentry and fexit programs.
		// override_return: a kernel may be built without it.
		// probe_write_user: a kernel that is locked down has it for nobody.
		if (!h || h->refused || id == HELPER_get_func_ip || id == HELPER_override_return ||
		    id == HELPER_get_func_arg || id == HELPER_get_func_ret ||
		    id == HELPER_get_func_arg_cnt || id == HELPER_probe_write_user)
			continue;
		for (int t = 0; t < PROG_VM; t++)
			EXPECT_EQ(kernel_has((enum prog_type)t, id), (h->progs >> t & 1) != 0)
				<< h->name << " in " << prog_type_name((enum prog_type)t);
	}
}
