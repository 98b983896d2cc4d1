// SPDX-License-Identifier: MIT
// bpftime-ctl stacks: names, counts, dead processes at different addresses, files that are gone or damaged.
#include <jansson.h>

#include "stacks.h"

#include <random>

namespace {

// samples/stackcount in a program that is loaded somewhere else each time.
struct StackCount : testing::Test {
	Scratch s;
	std::string program, maps = s.dir + "/maps";

	void SetUp() override
	{
		if (!have("g++"))
			GTEST_SKIP() << "no g++ here";
		ASSERT_EQ(compile_walked(s, "g++ -x c++ -fomit-frame-pointer -pie -fPIE", program), "");
		Output r = shell(bin + "bpftime-patch --binary " + program + " --uprobe leaf " STACKCOUNT_HOOK " -o " + (s / "p"));
		ASSERT_EQ(r.status, 0) << r.text;
	}
	void run(int times)
	{
		for (int i = 0; i < times; i++)
			ASSERT_EQ(shell("BPFTIME_DIR=" + maps + " " + (s / "p") + " > /dev/null").status, 0);
	}
	Output ctl(const std::string &args) { return shell(bin + "bpftime-ctl stacks " + args + " --dir " + maps); }

	// Function names of each folded line, and the counts.
	std::map<std::string, long> folded(const std::string &args = "stacks")
	{
		std::map<std::string, long> m;
		std::istringstream lines(ctl(args + " --folded").text);
		for (std::string l; std::getline(lines, l);) {
			size_t space = l.rfind(' ');
			m[l.substr(0, space)] += atol(l.c_str() + space + 1);
		}
		return m;
	}
};

}  // namespace

TEST_F(StackCount, DeadProcessesHaveOneLineAStack)
{
	run(3);
	auto f = folded(), same = folded("stackcount/stacks --counts counts");
	EXPECT_EQ(f, same);
	long all = f["p;[missed]"];	// another stack had their place: ids are hashes
	EXPECT_LE(all, 8);
	f.erase("p;[missed]");
	ASSERT_EQ(f.size(), 10u) << ctl("stacks --folded").text;
	for (auto &l : f) {
		EXPECT_LE(l.second, 3) << l.first;
		EXPECT_EQ(l.first.rfind("p;", 0), 0u) << l.first;
		EXPECT_EQ(l.first.substr(l.first.size() - 10), ";both;leaf") << l.first;
		all += l.second;
	}
	EXPECT_EQ(all, 30);
	size_t thrown = 0, threads = 0, deep = 0;
	for (auto &l : f) {
		thrown += l.first.find(";main;catches;throws;both;leaf") != std::string::npos;
		threads += l.first.find(";threaded;both;leaf") != std::string::npos;
		deep += l.first.find(";main;deep;deep;deep;") != std::string::npos;
	}
	EXPECT_EQ(thrown, 1u);
	EXPECT_EQ(threads, 1u);
	EXPECT_EQ(deep, 1u);
}

TEST_F(StackCount, JsonIsWhatTheProgramPrinted)
{
	Output r = shell("BPFTIME_DIR=" + maps + " " + (s / "p"));
	auto want = printed(r.text);
	json_error_t e;
	json_t *j = json_loads(ctl("stacks --json").text.c_str(), 0, &e);
	ASSERT_NE(j, nullptr) << e.text;
	EXPECT_EQ(json_integer_value(json_object_get(j, "schema")), 1);
	json_t *list = json_object_get(j, "stacks");
	ASSERT_GE(json_array_size(list), 8u);
	size_t i, k, found = 0, with_frames = 0;
	json_t *stack, *frame;
	json_array_foreach(list, i, stack) {
		Stack got;
		json_array_foreach(json_object_get(stack, "frames"), k, frame) {
			got.push_back(strtoull(json_string_value(json_object_get(frame, "ip")), nullptr, 16));
			EXPECT_NE(json_string_value(json_object_get(frame, "module")), nullptr);
		}
		EXPECT_STREQ(json_string_value(json_object_get(stack, "comm")), "p");
		if (json_integer_value(json_object_get(stack, "id")) < 0)
			continue;	// another stack had its place
		with_frames++;
		EXPECT_EQ(json_integer_value(json_object_get(stack, "count")), 1);
		for (auto &w : want)
			found += hex(from(got, 2)) == hex(from(w, 1)) && from(w, 1).size();
		frame = json_array_get(json_object_get(stack, "frames"), 0);
		EXPECT_STREQ(json_string_value(json_object_get(frame, "symbol")), "leaf");
		EXPECT_EQ(json_integer_value(json_object_get(frame, "offset")), 0);
	}
	EXPECT_EQ(found, with_frames);
	EXPECT_GE(with_frames, 7u);
	json_decref(j);
}

// A walk that has gone through libraries comes back to the program, which the dynamic linker lists without a name.
TEST(StackNames, AProgramKeepsItsNameBehindASignal)
{
	Scratch s;
	if (!have("gcc"))
		GTEST_SKIP() << "no gcc here";
	std::ofstream(s / "t.c") << R"(
		#include <signal.h>
		__attribute__((noinline)) void leaf(void) { __asm__ volatile("nop; nop; nop; nop; nop; nop" ::: "memory"); }
		static void handler(int n) { leaf(); (void)n; }
		__attribute__((noinline)) void interrupted(void) { __asm__ volatile("int3" ::: "memory"); }
		int main(void) { signal(SIGTRAP, handler); leaf(); interrupted(); interrupted(); return 0; })";
	Output r = shell("cd " + s.dir + " && gcc -O1 -fno-optimize-sibling-calls -pie -fPIE t.c -o t && " + bin +
		      "bpftime-patch --binary t --uprobe leaf " STACKCOUNT_HOOK " -o p && BPFTIME_DIR=" + s.dir + "/maps ./p");
	ASSERT_EQ(r.status, 0) << r.text;
	r = shell(bin + "bpftime-ctl stacks stacks --folded --dir " + s.dir + "/maps");
	EXPECT_TRUE(std::regex_search(r.text, std::regex("main;interrupted;[^;]*;handler;leaf"))) << r.text;
	EXPECT_NE(r.text.find("main;leaf 1"), std::string::npos) << r.text;
}

TEST_F(StackCount, AFileThatIsGoneOrAnotherGivesNoNames)
{
	run(1);
	ASSERT_EQ(shell("cp /bin/true " + (s / "p")).status, 0);
	std::string out = ctl("stacks").text;
	EXPECT_EQ(out.find("leaf"), std::string::npos) << out;
	EXPECT_NE(out.find("    p+0x"), std::string::npos) << out;
	ASSERT_EQ(unlink((s / "p").c_str()), 0);
	EXPECT_EQ(ctl("stacks").text, out);
	ASSERT_EQ(unlink((maps + "/.modules").c_str()), 0);
	EXPECT_NE(ctl("stacks").text.find("    0x"), std::string::npos);
}

TEST_F(StackCount, WhatIsNoSuchMapIsRefused)
{
	run(1);
	Output r = ctl("counts");
	EXPECT_EQ(r.status, 1);
	EXPECT_NE(r.text.find("error[M008]"), std::string::npos) << r.text;
	r = ctl("stacks --counts stacks");
	EXPECT_EQ(r.status, 1);
	EXPECT_NE(r.text.find("error[M008]"), std::string::npos) << r.text;
	r = ctl("stacks --counts nothing");
	EXPECT_EQ(r.status, 1);
	EXPECT_NE(r.text.find("error[M003]"), std::string::npos) << r.text;
}

// Refused with one line, or shown; never a crash, never without end.
TEST_F(StackCount, DamagedFilesDoNoHarm)
{
	run(1);
	std::string folder;
	for (auto &e : std::filesystem::directory_iterator(maps))
		if (e.path().filename().string().rfind("stackcount-", 0) == 0)
			folder = e.path();
	std::mt19937 rng(5);
	size_t refused = 0, shown = 0;
	for (auto &path : {maps + "/.modules", folder + "/stacks", folder + "/counts", folder + "/.btf"}) {
		std::ifstream in(path, std::ios::binary);
		std::string good((std::istreambuf_iterator<char>(in)), {});
		ASSERT_GT(good.size(), 100u) << path;
		for (int round = 0; round < 40; round++) {
			std::string bad = good;
			if (round % 4 == 0)
				bad.resize(rng() % bad.size());
			size_t from = round % 4 == 1 ? 0 : 4096, to = round % 4 == 1 ? 256 : bad.size();
			for (int n = 1 << rng() % 15; n-- && from < to;)
				bad[from + rng() % (to - from)] = (char)(rng() % 3 ? rng() : 0xff);
			std::ofstream(path, std::ios::binary | std::ios::trunc) << bad;
			Output r = shell("timeout 20 " + bin + "bpftime-ctl stacks stacks --dir " + maps + (round % 2 ? " --json" : "") + " > /dev/null");
			ASSERT_LE(r.status, 1) << path << " " << round << "\n" << r.text;
			if (r.status) {
				EXPECT_EQ(std::count(r.text.begin(), r.text.end(), '\n'), 1) << r.text;
				refused++;
			} else {
				shown++;
			}
		}
		std::ofstream(path, std::ios::binary | std::ios::trunc) << good;
	}
	EXPECT_GT(refused, 10u);
	EXPECT_GT(shown, 10u);
}
