// SPDX-License-Identifier: MIT
// Every program of bpf_conformance gives the r0 its authors wrote down, with both engines.
#include <gtest/gtest.h>

#include <fstream>
#include <jansson.h>

static const char *const data = BPFTIME_TEST_DIR "/data/conformance.jsonl";

static void run(const char *engine)
{
	std::string cmd = std::string(BPFTIME_BIN_DIR "/bpftime-aot run --batch ") + data +
			  " --engine " + engine;
	FILE *out = popen(cmd.c_str(), "r");
	std::ifstream in(data);
	std::string line;
	char answer[4096];
	unsigned n = 0;

	ASSERT_TRUE(out);
	while (std::getline(in, line)) {
		json_t *want = json_loads(line.c_str(), 0, nullptr);
		ASSERT_TRUE(want);
		const char *name = json_string_value(json_object_get(want, "name"));
		ASSERT_TRUE(fgets(answer, sizeof(answer), out)) << "no answer for " << name;
		json_t *got = json_loads(answer, 0, nullptr);
		ASSERT_TRUE(got) << answer;
		EXPECT_STREQ(json_string_value(json_object_get(got, "name")), name);
		n++;
		const char *r0 = json_string_value(json_object_get(got, "r0"));
		const char *r0_want = json_string_value(json_object_get(want, "r0"));
		EXPECT_TRUE(r0 && strtoull(r0, nullptr, 16) == strtoull(r0_want, nullptr, 16))
			<< name << ": want " << r0_want << ", got " << answer;
		json_decref(want);
		json_decref(got);
	}
	EXPECT_EQ(n, 313u);
	EXPECT_FALSE(fgets(answer, sizeof(answer), out)) << answer;
	EXPECT_EQ(pclose(out), 0);
}

TEST(Conformance, Aot) { run("aot"); }
TEST(Conformance, Jit) { run("jit"); }
