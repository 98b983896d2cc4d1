// SPDX-License-Identifier: MIT
// Outputs appear complete or not at all, and devices are not replaced.
#include <gtest/gtest.h>

#include <dirent.h>
#include <unistd.h>

#include "file.h"

static size_t entries(const std::string &dir)
{
	size_t n = 0;
	DIR *d = opendir(dir.c_str());
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

struct FileTest : testing::Test {
	std::string dir;
	struct diags dg = {};
	void SetUp() override
	{
		char t[] = "/tmp/bpftime-file-XXXXXX";
		dir = mkdtemp(t);
	}
	void TearDown() override { (void)!system(("rm -rf " + dir).c_str()); }
};

TEST_F(FileTest, RoundTripKeepsMode)
{
	std::string p = dir + "/a";
	struct arena *a = arena_new();
	struct bytes b;
	struct stat st;
	ASSERT_EQ(file_write(p.c_str(), "hello", 5, 0751, nullptr, &dg), 0);
	ASSERT_EQ(file_read(a, p.c_str(), &b, &st, &dg), 0);
	EXPECT_EQ(std::string((const char *)b.p, b.n), "hello");
	EXPECT_EQ(st.st_mode & 0777, 0751u);
	EXPECT_EQ(entries(dir), 1u);
	arena_free(a);
}

TEST_F(FileTest, DeviceIsWrittenThrough)
{
	std::string p = dir + "/full";
	ASSERT_EQ(symlink("/dev/full", p.c_str()), 0);
	EXPECT_EQ(file_write(p.c_str(), "x", 1, 0644, nullptr, &dg), -DIAG_E002);
	struct stat st;
	ASSERT_EQ(stat("/dev/full", &st), 0);
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(entries(dir), 1u);
}

TEST_F(FileTest, MissingFolderLeavesNothing)
{
	EXPECT_EQ(file_write((dir + "/no/such").c_str(), "x", 1, 0644, nullptr, &dg), -DIAG_E002);
	EXPECT_EQ(entries(dir), 0u);
	struct bytes b;
	struct arena *a = arena_new();
	EXPECT_EQ(file_read(a, dir.c_str(), &b, nullptr, &dg), -DIAG_E001);
	arena_free(a);
}
