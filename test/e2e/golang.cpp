// SPDX-License-Identifier: MIT
// Go programs: every function hooked by programs that need a stack, while stacks grow and are
// moved; counts against the program's own and the kernel's.
#include "e2e.h"

static const std::string hook = BPFTIME_GO_HOOK, source = BPFTIME_GO_SOURCE;

struct Build {
	const char *name, *env, *flags;
	uint64_t pie;	// where it is loaded without randomisation, 0: where it says
	const char *after = "";
};
static void PrintTo(const Build &b, std::ostream *o) { *o << b.name; }

static std::string go_env(const Scratch &tmp)
{
	return "export HOME=" + tmp.dir + " GOCACHE=" + (tmp / "cache") + " GOPATH=" + (tmp / "go") +
	       " GOFLAGS=-mod=mod GO111MODULE=off GOTOOLCHAIN=local; ";
}

struct Go : testing::TestWithParam<Build> {
	Scratch tmp;

	bool build(const std::string &out)
	{
		const Build &b = GetParam();
		Output r = shell(go_env(tmp) + b.env + " go build " + b.flags + " -o " + out + " " + source +
			      (*b.after ? " && " + std::string(b.after) + " " + out : ""));
		EXPECT_EQ(r.status, 0) << r.text;
		return !r.status;
	}
};

TEST_P(Go, CountsExactlyWhileStacksMove)
{
	if (!have("go"))
		GTEST_SKIP() << "golang-go is not installed";
	const std::string plain = tmp / "plain", patched = tmp / "patched", maps = tmp / "maps";
	if (!build(plain))
		return;
	Output made = shell(bin + "bpftime-patch --binary " + plain + " --uprobe '*' --uretprobe 'main.*' --map-dir " +
			 maps + " -o " + patched + " " + hook);
	ASSERT_EQ(made.status, 0) << made.text;
	Output expect = shell("setarch -R " + plain);
	ASSERT_EQ(expect.status, 0) << expect.text;
	EXPECT_EQ(shell("setarch -R " + patched), expect);

	std::map<uint64_t, uint64_t> calls = hash_table(maps, "calls"), rets = hash_table(maps, "rets");
	uint64_t bias = GetParam().pie ? GetParam().pie - 0x400000 : 0;
	std::istringstream lines(expect.text);
	std::string name;
	long count, seen = 0;
	while (lines >> name)
		if (!name.compare(0, 5, "main.") && lines >> count) {
			Place at = place_of(plain, name);
			ASSERT_TRUE(at.found) << name;
			EXPECT_EQ(calls[at.vaddr + bias], count) << name;
			if (name != "main.leaf")	// too short for a jump at both ends
				EXPECT_EQ(rets[at.vaddr + bias], count) << name;
			seen++;
		}
	EXPECT_EQ(seen, 8);
	EXPECT_GT(calls.size(), 500u);	// of the runtime, too
	Output back = shell(bin + "bpftime-patch --revert " + patched + " -o " + (tmp / "back") + " && cmp " +
			 (tmp / "back") + " " + plain);
	EXPECT_EQ(back.status, 0) << back.text;
}

INSTANTIATE_TEST_SUITE_P(
	Build, Go,
	testing::Values(Build{ "static_exe", "CGO_ENABLED=0", "", 0 },
			Build{ "stripped", "CGO_ENABLED=0", "-ldflags='-s -w'", 0 },
			Build{ "table_without_name", "CGO_ENABLED=0", "-ldflags='-s -w'", 0,
			       "objcopy --rename-section .gopclntab=.text.more" },
			Build{ "unoptimised", "CGO_ENABLED=0", "-gcflags='-N -l'", 0 },
			Build{ "cgo", "CGO_ENABLED=1", "-tags netcgo -ldflags=-linkmode=external", 0 },
			Build{ "pie", "CGO_ENABLED=0", "-buildmode=pie", 0x555555554000 }),
	[](const auto &i) { return std::string(i.param.name); });

// Hooks of two objects at one function, by patching a patched file: all run, each call. What
// there is no stack for is refused alone.
TEST(GoTwice, HooksOfTwoObjectsAtOneFunction)
{
	if (!have("go"))
		GTEST_SKIP() << "golang-go is not installed";
	Scratch tmp;
	const std::string plain = tmp / "plain", first = tmp / "first", both = tmp / "both", maps = tmp / "maps",
			  patch = bin + "bpftime-patch --map-dir " + maps + " --binary ";
	Output made = shell(go_env(tmp) + "CGO_ENABLED=0 go build -o " + plain + " " + source);
	ASSERT_EQ(made.status, 0) << made.text;
	long count = 0;
	{
		std::istringstream lines(shell(plain).text);
		for (std::string word; lines >> word && !(word == "main.small" && lines >> count);)
			;
	}
	ASSERT_GT(count, 0);
	Place at = place_of(plain, "main.small");
	for (bool object_first : { true, false }) {
		SCOPED_TRACE(object_first ? "object first" : "counter first");
		std::string object = " --uprobe main.small --uretprobe main.small --uprobe internal/cpu.cpuid.abi0 " + hook,
			    builtin = " --uprobe main.small --uprobe internal/cpu.cpuid.abi0";

		shell("rm -rf " + maps + " " + first + " " + both);
		Output one = shell(patch + plain + (object_first ? object : builtin) + " -o " + first);
		ASSERT_EQ(one.status, 0) << one.text;
		Output two = shell(patch + first + (object_first ? builtin : object) + " -o " + both);
		ASSERT_EQ(two.status, 0) << two.text;
		EXPECT_NE(two.text.find(" patched, 1 refused"), two.text.npos) << two.text;
		Output plan = shell(patch + first + (object_first ? builtin : object) + " --plan");
		EXPECT_NE(plan.text.find("internal/cpu.cpuid.abi0 refused: for golang: assembly without a stack check"),
			  plan.text.npos) << plan.text;
		EXPECT_EQ(shell(both).text, shell(plain).text);
		EXPECT_EQ(hash_table(maps, "golang/calls")[at.vaddr], count);
		EXPECT_EQ(hash_table(maps, "golang/rets")[at.vaddr], count);
		long all = atol(shell(bin + "bpftime-ctl dump count/calls --dir " + maps + " | sed 's/^0: //'").text.c_str());
		EXPECT_GT(all, count);	// and cpuid's
		EXPECT_LT(all, count + 1000);
		Output back = shell(bin + "bpftime-patch --revert " + both + " && cmp " + both + " " + plain);
		EXPECT_EQ(back.status, 0) << back.text;
	}
}

// What never returns has no place for a return hook, which is said.
TEST(GoTwice, WhatNeverReturnsIsRefusedWithAReason)
{
	if (!have("go"))
		GTEST_SKIP() << "golang-go is not installed";
	Scratch tmp;
	const std::string plain = tmp / "plain";
	Output made = shell(go_env(tmp) + "CGO_ENABLED=0 go build -o " + plain + " " + source);
	ASSERT_EQ(made.status, 0) << made.text;
	for (const char *fn : { "runtime.gogo.abi0", "runtime.morestack_noctxt.abi0" }) {
		Output r = shell(bin + "bpftime-patch --plan --binary " + plain + " --uretprobe " + fn + " " + hook);
		EXPECT_NE(r.status, 0);
		EXPECT_NE(r.text.find(std::string(fn) + ": it "), r.text.npos) << r.text;
	}
}

// The kernel counts behind the stack check what is counted here at the entry; at the entry
// itself it counts calls twice when the stack grows.
TEST(GoKernel, CountsTheSame)
{
	if (!have("go"))
		GTEST_SKIP() << "golang-go is not installed";
	KernelCount kernel;
	if (!kernel.reason.empty())
		GTEST_SKIP() << kernel.reason;
	Scratch tmp;
	const std::string plain = tmp / "plain", patched = tmp / "patched", maps = tmp / "maps";
	Output made = shell(go_env(tmp) + "CGO_ENABLED=0 go build -o " + plain + " " + source + " && " + bin +
			 "bpftime-patch --binary " + plain + " --uprobe main.small --map-dir " + maps +
			 " -o " + patched + " " + hook);
	ASSERT_EQ(made.status, 0) << made.text;
	EXPECT_EQ(shell(patched).status, 0);
	Place at = place_of(plain, "main.small");
	enum { CHECK_BYTES = 6 };	// cmp 0x10(%r14), %rsp; jbe
	ASSERT_TRUE(kernel.run(plain, at.foff + CHECK_BYTES, plain, false));
	EXPECT_EQ((long)hash_table(maps, "calls")[at.vaddr], kernel.entries);
	ASSERT_TRUE(kernel.run(plain, at.foff, plain, false));
	EXPECT_GT(kernel.entries, (long)hash_table(maps, "calls")[at.vaddr]);
}

// Debian's own go, every entry hooked, says its version and compiles, links and runs a program.
TEST(GoTool, BuildsWithEveryEntryHooked)
{
	const std::string go = shell("readlink -f $(command -v go)").text;
	if (!have("go") || go.empty())
		GTEST_SKIP() << "golang-go is not installed";
	Scratch tmp;
	const std::string root = shell("go env GOROOT | tr -d '\\n'").text, patched = tmp / "go", maps = tmp / "maps";
	Output made = shell(bin + "bpftime-patch --binary $(readlink -f $(command -v go)) --uprobe '*' --map-dir " +
			 maps + " -o " + patched);
	ASSERT_EQ(made.status, 0) << made.text;
	const std::string env = go_env(tmp) + "export GOROOT=" + root + "; ";
	EXPECT_EQ(shell(env + patched + " version"), shell(env + "go version"));
	std::ofstream(tmp / "hello.go") << "package main\nfunc main() { println(\"hello\") }\n";
	Output built = shell(env + "CGO_ENABLED=0 " + patched + " build -o " + (tmp / "hello") + " " + (tmp / "hello.go") +
			  " && " + (tmp / "hello"));
	EXPECT_EQ(built.status, 0) << built.text;
	EXPECT_EQ(built.text, "hello\n");
	EXPECT_GT(atol(shell(bin + "bpftime-ctl dump calls --dir " + maps + " | sed 's/^0: //'").text.c_str()), 100000);
}

// Where Go's own table is all there is, it names what the symbols named.
TEST(GoNames, AreThoseOfTheSymbols)
{
	if (!have("go"))
		GTEST_SKIP() << "golang-go is not installed";
	Scratch tmp;
	const std::string full = tmp / "full", bare = tmp / "bare";
	Output made = shell(go_env(tmp) + "CGO_ENABLED=0 go build -o " + full + " " + source + " && strip -o " + bare +
			 " " + full);
	ASSERT_EQ(made.status, 0) << made.text;
	struct arena *a = arena_new();
	struct diags dg = {};
	struct image *with, *without;
	ASSERT_EQ(image_read(a, full.c_str(), &with, &dg), 0);
	ASSERT_EQ(image_read(a, bare.c_str(), &without, &dg), 0);
	std::map<uint64_t, std::string> names;
	size_t n = 0;
	for (size_t i = 0; i < without->n_sym; i++)
		names[without->sym[i].vaddr] = without->sym[i].name;
	for (size_t i = 0; i < with->n_sym; i++) {
		std::string name = with->sym[i].name;
		if (!image_go_fn_at(with, with->sym[i].vaddr) || name == "runtime.text")
			continue;
		std::string other = names[with->sym[i].vaddr];
		// Both call a function of assembly and its wrapper apart, each in its way.
		for (const char *tail : { ".abi0", ".abiwrapper" }) {
			if (name.size() > strlen(tail) && name.compare(name.size() - strlen(tail), std::string::npos, tail) == 0)
				name.resize(name.size() - strlen(tail));
			if (other.size() > strlen(tail) && other.compare(other.size() - strlen(tail), std::string::npos, tail) == 0)
				other.resize(other.size() - strlen(tail));
		}
		name = std::regex_replace(name, std::regex("\\[[^\\[\\]]*\\]"), "[...]");
		EXPECT_EQ(other, name);
		n++;
	}
	EXPECT_GT(n, 1000u);
	arena_free(a);
}
