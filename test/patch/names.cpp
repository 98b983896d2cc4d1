// SPDX-License-Identifier: MIT
// What a name, a pattern or an address means, what is refused and what is said then.
#include "../shell.h"
#include "e2e.h"

#include <unistd.h>

#include <fstream>

using namespace e2e;

namespace {

const char kLibc[] = "/lib/x86_64-linux-gnu/libc.so.6";

std::string nm(const std::string &file, const std::string &symbol)
{
	Output o = stdout_of("nm " + file + " | awk '$3==\"" + symbol + "\" {print \"@0x\" $1; exit}'");

	EXPECT_FALSE(o.text.empty()) << symbol;
	return o.text.substr(0, o.text.find('\n'));
}

TEST(Names, ExactGlobAndAddress)
{
	EXPECT_EQ(patch(target("shapes"), {{COUNT, "leaf_"}}).patched, 1u);
	EXPECT_EQ(patch(target("shapes"), {{COUNT, "call_*"}}).patched, 5u);
	EXPECT_EQ(patch(target("shapes"), {{COUNT, "loop_[f]?rst_"}}).patched, 1u);
	Patched p = patch(target("shapes"), {{COUNT, nm(target("shapes"), "leaf_")}});
	ASSERT_EQ(p.patched, 1u) << p.error << p.text;
	EXPECT_NE(p.text.find("entry leaf_"), std::string::npos) << p.text;
	// name and address are the same site, one jump
	p = patch(target("shapes"), {{COUNT, "leaf_"}, {COUNT_MORE, nm(target("shapes"), "leaf_")}});
	EXPECT_EQ(p.tactics.size(), 1u) << p.text;
	Result r = run_same(target("shapes"), p);
	EXPECT_EQ(r.count(COUNT), 12u);
	EXPECT_EQ(r.count(COUNT_MORE), 12u);
	// the same hook twice is one hook
	p = patch(target("shapes"), {{COUNT, "leaf_"}, {COUNT, "leaf*"}});
	EXPECT_EQ(run_same(target("shapes"), p).count(COUNT), 12u);
}

TEST(Names, NearOnesAreSuggested)
{
	Patched p = patch(target("shapes"), {{COUNT, "laef_"}});
	EXPECT_NE(p.error.find("laef_ is neither defined nor imported here; did you mean leaf_"),
		  std::string::npos) << p.error;
	p = patch(target("import-now"), {{COUNT, "lib_ad"}});
	EXPECT_NE(p.error.find("lib_add"), std::string::npos) << p.error;
	p = patch(target("shapes"), {{COUNT, "nothing_at_all_like_this"}});
	EXPECT_EQ(p.error, "nothing_at_all_like_this is neither defined nor imported here");
	p = patch(target("shapes"), {{COUNT, "zzz*"}});
	EXPECT_EQ(p.error, "zzz* is neither defined nor imported here");
}

TEST(Names, DataIsNoFunction)
{
	EXPECT_NE(patch(target("shapes"), {{COUNT, "stdout"}}).error, "");
	Patched p = patch(target("shapes"), {{COUNT, nm(target("shapes"), "text")}});
	EXPECT_NE(p.error.find("0x"), std::string::npos);
	EXPECT_EQ(p.patched, 0u);
	EXPECT_NE(patch(target("shapes"), {{COUNT, "@0x7fffffffffffffff"}}).error, "");
}

TEST(Names, MiddleOfAnInstruction)
{
	Patched p = patch(target("shapes"), {{COUNT, "leaf_", 2}});
	ASSERT_EQ(p.refused, 1u) << p.text;
	EXPECT_EQ(p.reasons[0], "not the start of an instruction");
}

TEST(Names, Versions)
{
	Patched p = patch(kLibc, {{COUNT, "memcpy@GLIBC_2.2.5"}});
	EXPECT_EQ(p.tactics.size(), 1u) << p.error;
	p = patch(kLibc, {{COUNT, "pthread_cond_wait@GLIBC_2.3.2"}});
	EXPECT_EQ(p.patched, 1u) << p.error;
	p = patch(kLibc, {{COUNT, "pthread_cond_wait@GLIBC_9.9"}});
	EXPECT_NE(p.error, "");
}

TEST(Names, IfuncsAreRefused)
{
	Patched p = patch(kLibc, {{COUNT, "strlen"}});
	ASSERT_EQ(p.refused, 1u) << p.error;
	EXPECT_NE(p.reasons[0].find("IFUNC"), std::string::npos);
}

// Stripped: the names are in a debug file that the build id vouches for.
TEST(Names, OfADebugFile)
{
	std::string d = "/tmp/patch-debug." + std::to_string(getpid()), bin = d + "/bin";
	ASSERT_EQ(system(("mkdir -p " + d + " && objcopy --only-keep-debug " + target("shapes") + " " + d +
			  "/bin.debug && strip --strip-all -o " + bin + " " + target("shapes")).c_str()), 0);
	EXPECT_EQ(patch(bin, {{COUNT, "leaf_"}}).patched, 0u);
	ASSERT_EQ(system(("cd " + d + " && objcopy --add-gnu-debuglink=bin.debug bin").c_str()), 0);
	EXPECT_EQ(patch(bin, {{COUNT, "leaf_"}}).patched, 1u);
	// another program's
	ASSERT_EQ(system(("objcopy --only-keep-debug " + target("import-now") + " " + d + "/bin.debug").c_str()), 0);
	EXPECT_EQ(patch(bin, {{COUNT, "leaf_"}}).patched, 0u);
	(void)!system(("rm -rf " + d).c_str());
}

// One address with several names is one site.
TEST(Names, AliasesJoin)
{
	Patched p = patch(kLibc, {{COUNT, "*write"}, {COUNT, "write"}, {COUNT, "__write"}});
	size_t n = 0;

	for (size_t at = 0; (at = p.text.find("write ", at)) != std::string::npos; at++)
		n++;
	EXPECT_EQ(n, p.patched + p.refused) << p.text;
}

TEST(Names, ReturnsThatAreMoreThanReturns)
{
	for (const char *name : {"setjmp", "_setjmp", "__sigsetjmp", "vfork", "getcontext", "swapcontext", "clone",
				 "setcontext", "makecontext", "dlsym"}) {
		Patched p = patch(kLibc, {{COUNT_RET, name}});
		EXPECT_EQ(p.patched, 0u) << name << p.error << p.text;
		EXPECT_GE(p.refused, 1u) << name << p.error << p.text;
		EXPECT_NE(p.tactics[0], "jmp") << name;
		p = patch(kLibc, {{COUNT, name}});
		EXPECT_EQ(p.refused, 0u) << name << p.text;
	}
	Patched p = patch(target("jumps"), {{COUNT_RET, "_setjmp"}});
	EXPECT_EQ(p.refused, 1u) << p.text;
	p = patch(target("jumps"), {{COUNT_RET, "_start"}});
	EXPECT_EQ(p.refused, 1u) << p.text;
	p = patch(target("jumps"), {{COUNT_RET, "main", 4}});
	EXPECT_EQ(p.refused, 1u) << p.text;
}

TEST(Plan, MaxCost)
{
	plan_opts o = {};

	o.max_cost_ns = 0.1;
	Patched p = patch(target("shapes"), {{COUNT, "leaf_"}}, o);
	ASSERT_EQ(p.refused, 1u);
	EXPECT_NE(p.reasons[0].find("it would cost about"), std::string::npos);
}

// A program that is seen to keep r11 is called without saving it; one that spoils it is not.
TEST(Plan, ScratchRegister)
{
	Patched clean = patch(target("shapes"), {{COUNT_CLEAN, "cpuid_"}});
	Patched spoils = patch(target("shapes"), {{COUNT, "cpuid_"}});
	EXPECT_LE(clean.tramp_bytes + 4, spoils.tramp_bytes);
	EXPECT_EQ(run_same(target("shapes"), clean).count(COUNT_CLEAN), 12u);
	EXPECT_EQ(run_same(target("shapes"), spoils).count(COUNT), 12u);
}

// A jump never shares bytes with another site.
TEST(Plan, Overlaps)
{
	Patched p = patch(target("shapes"), {{COUNT, "plain_"}, {COUNT, "plain_", 1}, {COUNT, "plain_", 4}});
	EXPECT_EQ(p.patched, 1u) << p.text;
	EXPECT_EQ(p.refused, 2u) << p.text;
	EXPECT_NE(p.reasons[0].find("its bytes are among those of the site at 0x"), std::string::npos);
	EXPECT_EQ(run_same(target("shapes"), p).count(COUNT), 72u);
}

TEST(Plan, JsonHasTheDocumentedKeys)
{
	Patched p = patch(target("shapes"), {{COUNT, "leaf_"}, {COUNT, "short_", 2}});
	std::string file = p.path + ".json";

	std::ofstream(file) << p.json;
	std::string check = "python3 -c 'import json,sys; d=json.load(open(sys.argv[1])); "
		"assert list(d)==[\"schema\",\"binary\",\"sites\",\"patched\",\"refused\",\"file_growth_bytes\",\"unwind_table_bytes\",\"reads\"],d; "
		"s=d[\"sites\"]; assert len(s)==2 and d[\"patched\"]==1 and d[\"refused\"]==1 and d[\"schema\"]==1; "
		"k={x[\"symbol\"]:x for x in s}; l=k[\"leaf_\"]; "
		"assert l[\"vaddr\"].startswith(\"0x\") and l[\"kind\"]==\"entry\" and l[\"tactic\"]==\"jmp\"; "
		"assert len(l[\"before\"])==len(l[\"after\"])==10 and l[\"after\"].startswith(\"e9\") and l[\"refused\"] is None; "
		"assert set(l[\"cost\"])=={\"insns\",\"bytes\",\"saved_regs\",\"atomics\",\"ns\"}; "
		"assert k[\"short_\"][\"refused\"]' " + file;
	EXPECT_EQ(system(check.c_str()), 0) << p.json;
}

// What the hooks see is what the kernel's probes show (arch/x86/kernel/uprobes.c): at an entry
// the place of the probe, at a return the place returned to and the stack as it is there.
TEST(Frame, IsThatOfTheProbe)
{
	const std::string bin = target("shapes-static");	// not PIE: addresses are as in the file
	Patched p = patch(bin, {{FRAME, "wide_"}, {FRAME_RET, "wide_"}, {PACKED, "wide_"}, {PACKED_RET, "wide_"}});
	ASSERT_EQ(p.patched, 1u) << p.error << p.text;
	Result r = run_same(bin, p);
	const uint64_t *in = r.cell + 129, *out = r.cell + 257, *packed = r.cell + 10, *packed_ret = r.cell + 6;
	uint64_t fn = strtoull(nm(bin, "wide_").c_str() + 1, nullptr, 16);
	uint64_t k = 11, di = -7ull, si = 0x1111111111111111ull * 6 + k;
	enum { R15, R14, R13, R12, BP, BX, R11, R10, R9, R8, AX, CX, DX, SI, DI, ORIG_AX, IP, CS, FLAGS, SP, SS,
	       COOKIE, FUNC_IP };

	EXPECT_EQ(r.count(FRAME), 12u);
	EXPECT_EQ(in[DI], di);
	EXPECT_EQ(in[SI], si);
	EXPECT_EQ(in[R15], 0x1111111111111111ull * 15 + k);
	EXPECT_EQ(in[R11], 0x1111111111111111ull * 11 + k);
	EXPECT_EQ(in[R10], 0x1111111111111111ull * 10 + k);
	EXPECT_EQ(in[BX], 0x1111111111111111ull * 4 + k);
	EXPECT_EQ(in[IP], fn);
	EXPECT_EQ(in[FUNC_IP], fn);
	EXPECT_EQ(in[CS], 0x33u);
	EXPECT_EQ(in[SS], 0x2bu);
	EXPECT_EQ(in[ORIG_AX], ~0ull);
	EXPECT_EQ(in[FLAGS] & 0x8d5, 0x8d5u);	// set by the caller, k is odd
	EXPECT_EQ(in[COOKIE], 0xc00c1e00u + FRAME);
	EXPECT_EQ(out[SP], in[SP] + 8);
	EXPECT_EQ(out[AX], (uint64_t)((unsigned __int128)di * si));
	EXPECT_EQ(out[DX], (uint64_t)((unsigned __int128)di * si >> 64));
	EXPECT_EQ(out[R11], in[R11]);
	EXPECT_EQ(out[FUNC_IP], fn);
	uint64_t caller = strtoull(nm(bin, "run_shape").c_str() + 1, nullptr, 16);
	EXPECT_GT(out[IP], caller);
	EXPECT_LT(out[IP], caller + 300);
	EXPECT_EQ(out[COOKIE], 0xc00c1e00u + FRAME_RET);
	// packed: ascending field order
	EXPECT_EQ(packed[0], in[R11]);
	EXPECT_EQ(packed[1], si);
	EXPECT_EQ(packed[2], di);
	EXPECT_EQ(packed[3], fn);
	EXPECT_EQ(packed[4], in[SP]);
	EXPECT_EQ(packed[5], 0xc00c1e00u + PACKED);
	EXPECT_EQ(packed_ret[0], out[AX]);
	EXPECT_EQ(packed_ret[1], out[IP]);
	EXPECT_EQ(packed_ret[2], out[SP]);
}

// Behind a tail call of a hooked function the return address is a stub's; the program sees the
// one that it will return to, as with the kernel's chained return instances.
TEST(Frame, ReturnAddressBehindATailCall)
{
	const std::string bin = target("shapes-static");
	Patched p = patch(bin, {{COUNT_RET, "tail_"}, {PACKED_RET, "plain_"}});
	Result r = run_same(bin, p);
	uint64_t caller = strtoull(nm(bin, "run_shape").c_str() + 1, nullptr, 16);

	// the last call of plain_ is that of tail_
	EXPECT_EQ(r.count(COUNT_RET), 12u);
	EXPECT_EQ(r.count(PACKED_RET), 72u);
	EXPECT_GT(r.cell[7], caller);
	EXPECT_LT(r.cell[7], caller + 300);
}

}
