// SPDX-License-Identifier: MIT
// The writer's output is JSON for any bytes: names come out of hostile files.
#include <gtest/gtest.h>

#include "json.h"

static std::string written(void (*fn)(struct json *))
{
	char *buf = nullptr;
	size_t n = 0;
	FILE *f = open_memstream(&buf, &n);
	struct json j = json_on(f);
	fn(&j);
	fclose(f);
	std::string s(buf, n);
	free(buf);
	return s;
}

TEST(Json, CommasAndNesting)
{
	EXPECT_EQ(written([](struct json *j) {
		json_open(j, nullptr, '{');
		json_u64(j, "a", 1);
		json_open(j, "b", '[');
		json_i64(j, nullptr, -2);
		json_bool(j, nullptr, true);
		json_close(j, ']');
		json_open(j, "c", '{');
		json_close(j, '}');
		json_null(j, "d");
		json_close(j, '}');
	}), "{\"a\":1,\"b\":[-2,true],\"c\":{},\"d\":null}\n");
}

TEST(Json, EscapesWhatIsNotUtf8)
{
	EXPECT_EQ(written([](struct json *j) { json_str(j, nullptr, "a\"\\\n\xff\xc3\xa9\xc3"); }),
		  "\"a\\\"\\\\\\u000a\\u00ff\xc3\xa9\\u00c3\"");
}
