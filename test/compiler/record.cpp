// SPDX-License-Identifier: MIT
// Records become units with every reference an index; malformed ones are refused.
#include <gtest/gtest.h>

#include <string>

#include "record.h"

static int parse(const std::string &line, struct record *r, struct diags *dg)
{
	return record_parse("t.jsonl", line.data(), line.size(), r, dg);
}

TEST(Record, AllDataFilesAreRead)
{
	for (const char *name : {"conformance", "reserved_fields", "verifier_probes"}) {
		struct diags dg = {};
		unsigned n = 0;
		std::string path = std::string(BPFTIME_TEST_DIR "/data/") + name + ".jsonl";
		dg.out = stderr;
		EXPECT_EQ(record_lines(path.c_str(), [](void *arg, unsigned, const char *l, size_t len) {
			struct record r;
			struct diags d = {};
			d.out = stderr;
			EXPECT_EQ(record_parse("t", l, len, &r, &d), 0);
			unit_free(r.unit);
			++*(unsigned *)arg;
			return 0;
		}, &n, &dg), 0);
		EXPECT_GE(n, 90u) << path;
	}
}

TEST(Record, MapsBecomeIndexesAndCallsFunctions)
{
	struct diags dg = {};
	struct record r;
	ASSERT_EQ(parse("{\"name\":\"x\",\"prog_type\":\"kprobe\",\"insns_hex\":"
			"\"1811000063000000000000000000000085100000010000009500000000000000"
			"b7000000000000009500000000000000\",\"map_relocs\":[{\"insn\":0,"
			"\"map_index\":0,\"kind\":\"fd\"}],\"maps\":[{\"type\":\"hash\",\"key\":4,"
			"\"value\":8,\"max\":16}]}", &r, &dg), 0);
	const unit_prog &p = r.unit->prog[0];
	EXPECT_EQ(p.type, PROG_KPROBE);
	EXPECT_EQ(p.n_insn, 6u);
	EXPECT_EQ(p.insn[0].imm, 0);
	ASSERT_EQ(p.n_func, 2u);
	EXPECT_EQ(p.func[1].insn, 4u);
	unit_free(r.unit);
}

TEST(Record, MalformedOnesAreRefused)
{
	for (const char *line : {
		"", "[]", "{", "{\"code\":\"9\"}", "{\"code\":\"95\"}", "{\"code\":\"zz00000000000000\"}",
		"{\"prog_type\":\"nope\",\"insns_hex\":\"9500000000000000\"}",
		"{\"code\":\"9500000000000000\",\"mem\":\"0\"}",
		"{\"code\":\"9500000000000000\",\"map_relocs\":[{\"insn\":0,\"map_index\":0}]}",
		"{\"code\":\"9500000000000000\",\"maps\":[{\"type\":\"nope\"}]}",
		"{\"code\":\"9500000000000000\",\"maps\":[{\"type\":\"hash\",\"max\":-1}]}",
		"{\"code\":\"9500000000000000\",\"maps\":[{\"type\":\"array\",\"value\":1,"
		"\"value0_hex\":\"0000\"}]}" }) {
		struct diags dg = {};
		struct record r;
		EXPECT_EQ(parse(line, &r, &dg), -DIAG_U002) << line;
	}
}
