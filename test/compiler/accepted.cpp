// SPDX-License-Identifier: MIT
// What the verifier accepts compiles, and the payload linker takes it.
#include <gtest/gtest.h>

#include <fstream>

#include "compiler.h"
#include "payload.h"
#include "record.h"
#include "rt_archive.h"

struct Tally {
	unsigned accepted = 0;
};

static int one(void *arg, unsigned line_no, const char *line, size_t n)
{
	auto t = (Tally *)arg;
	struct record r;
	struct diags dg = {}, quiet = {};
	struct vfy_opts vo = {};
	struct vfy_result res = {};
	const struct vfy_result *facts[] = { &res };
	struct compile_opts opts = {};
	struct bytes obj;
	dg.out = stderr;
	EXPECT_EQ(record_parse("records", line, n, &r, &dg), 0);
	struct arena *a = arena_new();
	if (!vfy_verify(a, r.unit, &r.unit->prog[0], &vo, &res, &quiet)) {
		t->accepted++;
		opts.opt_level = 1 + line_no % 3;
		int err = compile_object(a, r.unit, facts, &opts, &obj, &dg);
		EXPECT_TRUE(!err || err == -DIAG_C004) << r.name;	/* legacy packet access */
		if (!dg.errors && !(r.unit->prog[0].flags & SEC_SESSION)) {
			struct lnk *l = lnk_new(a, rt_archive());
			EXPECT_EQ(lnk_add_object(l, r.name, obj, false, &dg), 0) << r.name;
		}
	}
	arena_free(a);
	unit_free(r.unit);
	return 0;
}

static unsigned accepted(const char *file)
{
	Tally t;
	struct diags dg = {};
	EXPECT_EQ(record_lines((std::string(BPFTIME_TEST_DIR "/data/") + file).c_str(), one, &t, &dg), 0);
	return t.accepted;
}

TEST(Accepted, VerifierProbes) { EXPECT_GT(accepted("verifier_probes.jsonl"), 80u); }
TEST(Accepted, ReservedFields) { EXPECT_GT(accepted("reserved_fields.jsonl"), 30u); }
TEST(Accepted, Conformance) { EXPECT_GT(accepted("conformance.jsonl"), 250u); }
