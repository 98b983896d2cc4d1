// SPDX-License-Identifier: MIT
// scripts/demo and benchmarks/hit and run do what they say, and leave nothing behind.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "../shell.h"

namespace fs = std::filesystem;

static bool missing(const char *command)
{
	return system(("PATH=$PATH:/usr/sbin:/sbin command -v " + std::string(command) +
		       " >/dev/null").c_str()) != 0;
}

// Processes whose program or command line is below a folder.
static std::string processes_of(const std::string &dir)
{
	std::string found;
	for (const auto &e : fs::directory_iterator("/proc")) {
		std::error_code err;
		std::ifstream f(e.path() / "cmdline");
		std::stringstream s;
		s << f.rdbuf() << fs::read_symlink(e.path() / "exe", err).string();
		if (s.str().find(dir) != std::string::npos)
			found += e.path().string() + " ";
	}
	return found;
}

// Everything the demo makes is below TMPDIR, which is empty again when it ends.
TEST(Demo, ShowsThePlaintextAndLeavesNothing)
{
	for (const char *c : { "nginx", "openssl", "curl", "clang-19", "python3" })
		if (missing(c))
			GTEST_SKIP() << "there is no " << c;
	char dir[] = "/tmp/bpftime-scripts-XXXXXX";
	ASSERT_NE(mkdtemp(dir), nullptr);
	ASSERT_EQ(system(("chmod 755 " + std::string(dir)).c_str()), 0);
	Output o = shell("cd " BPFTIME_SOURCE_DIR " && TMPDIR=" + std::string(dir) +
			 " BPFTIME_BUILT=1 BPFTIME_ROUNDS=1 BPFTIME_BUILD=" BUILD_DIR
			 " scripts/demo");
	EXPECT_EQ(o.status, 0) << o.text;
	EXPECT_NE(o.text.find(".data = \"GET / HTTP/1.1"), o.text.npos) << o.text;
	EXPECT_NE(o.text.find("2000 records were read, 0 were lost"), o.text.npos) << o.text;
	EXPECT_NE(o.text.find("ns added by"), o.text.npos) << o.text;
	EXPECT_EQ(system(("rmdir " + std::string(dir)).c_str()), 0);
	EXPECT_EQ(processes_of(dir), "");
}

TEST(Benchmarks, OneRoundCountsEveryCall)
{
	if (missing("python3"))
		GTEST_SKIP() << "there is no python3";
	Output o = shell(BPFTIME_SOURCE_DIR "/benchmarks/hit --build " BUILD_DIR " --rounds 1 --ms 1");
	EXPECT_EQ(o.status, 0) << o.text;
	EXPECT_NE(o.text.find("ns added by"), o.text.npos) << o.text;
}

TEST(Benchmarks, WhatCannotBeMeasuredIsSaid)
{
	const struct { const char *args, *text; int status; } wrong[] = {
		{"compute --rounds 0", "--rounds: 0: at least 1", 2},
		{"compute --ms -5", "--ms: -5: at least 1", 2},
		{"run --rounds 0", "--rounds: 0: at least 1", 2},
		{"hit --ms 0", "--ms: 0: at least 1", 2},
		{"compute --build /nonexistent", "compute: there is no /nonexistent/", 1},
		{"compute --build " BUILD_DIR " --ubpf /nonexistent", "compute: /nonexistent: no CMake build", 1},
		{"compute --build " BUILD_DIR " --llvmbpf " BUILD_DIR, "has no llvm-bpf-jit_SOURCE_DIR", 1},
	};

	for (const char *c : { "python3", "clang-19" })
		if (missing(c))
			GTEST_SKIP() << "there is no " << c;
	for (const auto &w : wrong) {
		Output o = shell(std::string("timeout 60 " BPFTIME_SOURCE_DIR "/benchmarks/") + w.args);
		EXPECT_EQ(o.status, w.status) << w.args << '\n' << o.text;
		EXPECT_NE(o.text.find(w.text), o.text.npos) << w.args << '\n' << o.text;
		EXPECT_EQ(o.text.find("Traceback"), o.text.npos) << w.args << '\n' << o.text;
	}
}

TEST(Benchmarks, RunWritesTablesMeasurementsAndAPlot)
{
	if (missing("python3"))
		GTEST_SKIP() << "there is no python3";
	char dir[] = "/tmp/bpftime-scripts-XXXXXX";
	ASSERT_NE(mkdtemp(dir), nullptr);
	std::string d = dir;
	Output o = shell(BPFTIME_SOURCE_DIR "/benchmarks/run --build " BUILD_DIR " --rounds 1 --only hit,start --out " + d +
			 "/results");
	EXPECT_EQ(o.status, 0) << o.text;
	for (const char *f : { "hit.csv", "hit.svg", "start.csv" })
		EXPECT_GT(fs::file_size(d + "/results/" + f), 100u) << f;
	fs::remove_all(d);
}

TEST(Benchmarks, SizeSaysWhatAPayloadIsMadeOf)
{
	for (const char *c : { "sqlite3", "python3" })
		if (missing(c))
			GTEST_SKIP() << "there is no " << c;
	Output o = shell(BPFTIME_SOURCE_DIR "/benchmarks/size --build " BUILD_DIR " --check count minimal");
	EXPECT_EQ(o.status, 0) << o.text;
	EXPECT_NE(o.text.find("\nminimal "), o.text.npos) << o.text;
	o = shell(BPFTIME_SOURCE_DIR "/benchmarks/size --build " BUILD_DIR " --map count");
	EXPECT_EQ(o.status, 0) << o.text;
	EXPECT_NE(o.text.find("rt_files_attach"), o.text.npos) << o.text;
	EXPECT_EQ(o.text.find("hash"), o.text.npos) << o.text;
}
