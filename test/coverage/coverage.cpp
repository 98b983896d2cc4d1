// SPDX-License-Identifier: MIT
// With a counter at every function entry programs do their job as before, and next to no
// entry is left out.
#include <gtest/gtest.h>

#include <unistd.h>

#include <string>

#include "../shell.h"

namespace {

struct Row {
	const char *file;
	double floor;	// percent
};

struct Coverage : testing::TestWithParam<Row> {};

TEST_P(Coverage, OfFunctionEntries)
{
	const Row &row = GetParam();
	char file[256];
	unsigned starts = 0, hooked = 0, traps = 0;
	double percent = 0;

	if (access(row.file, R_OK))
		GTEST_SKIP() << row.file << " is not here";
	if (system("command -v jq bc > /dev/null"))
		GTEST_SKIP() << "no jq or no bc";
	Output o = shell(std::string("BIN_DIR=" BPFTIME_BIN_DIR " " BPFTIME_SOURCE_DIR "/benchmarks/coverage ") +
			 row.file);
	const std::string &text = o.text;
	EXPECT_EQ(o.status, 0) << text;
	size_t line = text.find('\n');
	ASSERT_NE(line, text.npos) << text;
	// file, hook, starts, hooked, percent, traps, ..., job
	std::string row_text = text.substr(line + 1, text.find('\n', line + 1) - line - 1);
	ASSERT_EQ(sscanf(row_text.c_str(), "%255s entry %u %u %lf%% %u", file, &starts, &hooked, &percent,
			 &traps), 5) << text;
	EXPECT_GE(starts, 50u);
	EXPECT_GE(percent, row.floor) << text;
	EXPECT_EQ(traps, 0u) << text;
	EXPECT_EQ(row_text.substr(row_text.rfind(' ') + 1), "same") << text;
}

INSTANTIATE_TEST_SUITE_P(Debian, Coverage, testing::Values(
	Row{ "/usr/sbin/nginx", 99.5 }, Row{ "/usr/bin/python3.11", 98.5 },
	Row{ "/usr/lib/x86_64-linux-gnu/libcrypto.so.3", 99.5 },
	Row{ "/usr/lib/x86_64-linux-gnu/libc.so.6", 99.5 },
	Row{ "/usr/lib/x86_64-linux-gnu/libsqlite3.so.0", 99.5 }, Row{ "/usr/bin/busybox", 99.5 }),
	[](const auto &i) {
		std::string s = i.param.file;
		s = s.substr(s.rfind('/') + 1);
		for (char &c : s)
			c = isalnum((unsigned char)c) ? c : '_';
		return s;
	});

}
