// SPDX-License-Identifier: MIT
//
// tools.h - tests that run the real tools, each in a folder and map directory of its own.
#pragma once
#include <gtest/gtest.h>

#include <jansson.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "shell.h"

// Bytes as `bpftime-ctl dump --json` prints them: a list of "0x12".
inline std::string bytes_of(json_t *list)
{
	std::string s;
	size_t i;
	json_t *v;
	json_array_foreach(list, i, v)
		s.push_back((char)strtoul(json_string_value(v), nullptr, 16));
	return s;
}

struct ToolTest : testing::Test {
	std::string d;	// the folder

	void SetUp() override
	{
		char dir[] = "/tmp/bpftime-tools-XXXXXX";
		ASSERT_NE(mkdtemp(dir), nullptr);
		d = dir;
		setenv("BPFTIME_DIR", (d + "/maps").c_str(), 1);
	}
	void TearDown() override { shell("rm -rf " + d); }

	std::string ok(const std::string &cmd)
	{
		Output o = shell(cmd);
		EXPECT_EQ(o.status, 0) << cmd << "\n" << o.text;
		return o.text;
	}
	std::string tool(const std::string &args) { return ok(BPFTIME_BIN_DIR "/" + args); }
};
