// SPDX-License-Identifier: MIT
// One-question programs with the kernel's own answer: the verdicts agree, except for
// those that exemptions.txt names with a reason.
#include <gtest/gtest.h>
#include <jansson.h>

#include <fstream>
#include <map>
#include <sstream>

#include "record.h"
#include "verify.h"

namespace {

// "name | reason", one a line.
std::map<std::string, std::string> exemptions()
{
	std::map<std::string, std::string> m;
	std::ifstream in(BPFTIME_TEST_DIR "/verify/exemptions.txt");
	std::string line;
	EXPECT_TRUE(in.good());
	while (std::getline(in, line)) {
		size_t bar = line.find(" | ");
		if (line.empty() || line[0] == '#')
			continue;
		EXPECT_NE(bar, std::string::npos) << line;
		m[line.substr(0, bar)] = line.substr(bar + 3);
	}
	return m;
}

void compare(const std::string &file, size_t expected)
{
	auto exempt = exemptions();
	std::ifstream in(BPFTIME_TEST_DIR "/data/" + file);
	std::string line;
	size_t n = 0;
	while (std::getline(in, line)) {
		json_t *j = json_loads(line.c_str(), 0, nullptr);
		std::string name = json_string_value(json_object_get(j, "name"));
		bool kernel = !strcmp(json_string_value(json_object_get(j, "kernel_verdict")), "accept");
		struct diags dg = {};
		struct record rec;
		ASSERT_EQ(record_parse(file.c_str(), line.data(), line.size(), &rec, &dg), 0) << name;
		struct arena *a = arena_new();
		struct vfy_result res;
		struct vfy_opts opts = {};
		bool ours = vfy_verify(a, rec.unit, &rec.unit->prog[0], &opts, &res, &dg) == 0;
		if (exempt.count(name))
			EXPECT_NE(ours, kernel) << name << ": agrees now, so it needs no exemption";
		else
			EXPECT_EQ(ours, kernel) << name << ": " << diag_name(dg.first) << " " << dg.first_text;
		arena_free(a);
		unit_free(rec.unit);
		json_decref(j);
		n++;
	}
	EXPECT_EQ(n, expected);
}

}

TEST(Probes, AgreeWithTheKernel) { compare("verifier_probes.jsonl", 211); }
TEST(Probes, ReservedFieldsAreRefused) { compare("reserved_fields.jsonl", 90); }
