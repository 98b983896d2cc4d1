// SPDX-License-Identifier: MIT
// Targets made at test time, and the tools that check what became of them.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <unistd.h>

#include "../shell.h"
#include "file.h"
#include "image.h"

namespace seg {

inline bool have(const std::string &tool)
{
	return shell("command -v " + tool).status == 0;
}

inline std::vector<std::string> lines(const std::string &s)
{
	std::vector<std::string> v;
	for (size_t at = 0; at < s.size();) {
		size_t nl = s.find('\n', at);
		if (nl == std::string::npos)
			nl = s.size();
		v.push_back(s.substr(at, nl - at));
		at = nl + 1;
	}
	return v;
}

// A folder and an arena a test.
struct Test : testing::Test {
	std::string dir;
	struct arena *a = nullptr;
	struct diags dg = {};

	void SetUp() override
	{
		char t[] = "/tmp/bpftime-seg-XXXXXX";
		dir = mkdtemp(t);
		a = arena_new();
	}
	void TearDown() override
	{
		arena_free(a);
		shell("rm -rf " + dir);
	}
	struct image *image(const std::string &path)
	{
		struct image *im = nullptr;
		dg = {};
		EXPECT_EQ(image_read(a, arena_strdup(a, path.c_str()), &im, &dg), 0)
			<< path << ": " << dg.first_text;
		return im;
	}
	void write(const std::string &path, struct bytes b)
	{
		ASSERT_EQ(file_write(path.c_str(), b.p, b.n, 0755, nullptr, &dg), 0);
	}
	void write(const std::string &path, const std::string &s)
	{
		write(path, { (const uint8_t *)s.data(), s.size() });
	}
};

#define SKIP_WITHOUT(path_)                                                     \
	do {                                                                    \
		if (access(std::string(path_).c_str(), R_OK))                   \
			GTEST_SKIP() << (path_) << " is not installed";         \
	} while (0)

} // namespace seg
