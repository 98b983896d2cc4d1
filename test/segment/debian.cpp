// SPDX-License-Identifier: MIT
// Debian's own binaries with a segment added: same behaviour, before and after strip and
// objcopy, and back again bit for bit.
#include "payload.h"

#include <ostream>

namespace {


struct Target {
	const char *path, *args;	// args as for the shell; %D is a fresh folder
	friend std::ostream &operator<<(std::ostream &o, const Target &t) { return o << t.path; }
};

struct DebianTest : seg::Test, testing::WithParamInterface<Target> {
	std::string args()
	{
		std::string s = GetParam().args;
		for (size_t p; (p = s.find("%D")) != std::string::npos;)
			s.replace(p, 2, dir);
		return s;
	}
	// stdout and exit status; what the stub writes to stderr must be there or not.
	Output outcome(const std::string &bin, bool stub)
	{
		Output r = shell("cd " + dir + " && " + bin + " " + args() + " 2>" + dir + "/err");
		std::string err = shell("cat " + dir + "/err").text;
		EXPECT_EQ(err.compare(0, 7, "[bpft]\n") == 0, stub) << bin << ": " << err;
		return r;
	}
};

TEST_P(DebianTest, RunsAsBefore)
{
	SKIP_WITHOUT(GetParam().path);
	struct image *im = image(GetParam().path);
	ASSERT_TRUE(im);
	Output want = outcome(GetParam().path, false);
	ASSERT_EQ(want.status, 0) << want.text;
	seg::Patched p = seg::patch(a, im, &dg);
	ASSERT_EQ(p.err, 0) << dg.first_text;
	// Programs look at their own name.
	std::string name = std::string(strrchr(GetParam().path, '/')), bin = dir + "/a" + name,
		    cut = dir + "/b" + name;
	shell("mkdir " + dir + "/a " + dir + "/b");
	write(bin, p.file);
	Output got = outcome(bin, true);
	EXPECT_EQ(got.status, want.status);
	EXPECT_EQ(got.text, want.text);
	for (const char *tool : { "strip", "strip -g", "objcopy" }) {
		std::string cmd = std::string(tool) + (tool[0] == 's' ? " -o " + cut + " " + bin
								      : " " + bin + " " + cut);
		ASSERT_EQ(shell(cmd).status, 0) << cmd;
		got = outcome(cut, true);
		EXPECT_EQ(got.status, want.status) << tool;
		EXPECT_EQ(got.text, want.text) << tool;
	}
}

TEST_P(DebianTest, RevertsToTheSameBytes)
{
	SKIP_WITHOUT(GetParam().path);
	struct image *im = image(GetParam().path), *again;
	ASSERT_TRUE(im);
	seg::Patched p = seg::patch(a, im, &dg);
	ASSERT_EQ(p.err, 0) << dg.first_text;
	ASSERT_EQ(image_parse(a, "patched", p.file, nullptr, &again, &dg), 0) << dg.first_text;
	struct bytes meta, back;
	ASSERT_EQ(segment_meta(a, im, &meta, &dg), 0);
	ASSERT_EQ(segment_meta(a, again, &meta, &dg), 1) << dg.first_text;
	EXPECT_EQ(std::string((const char *)meta.p, meta.n), "a record");
	ASSERT_EQ(segment_revert(a, again, &back, &dg), 0) << dg.first_text;
	ASSERT_EQ(back.n, im->file.n);
	EXPECT_EQ(memcmp(back.p, im->file.p, back.n), 0);
}

INSTANTIATE_TEST_SUITE_P(
	Programs, DebianTest,
	testing::Values(
		Target{ "/usr/sbin/nginx", "-v" },
		Target{ "/usr/bin/openssl", "dgst -sha256 /etc/passwd" },
		Target{ "/usr/bin/sqlite3",
			":memory: 'select sum(value), 1.5e3/7 from generate_series(1,1000)'" },
		Target{ "/usr/bin/redis-server", "--version" },
		Target{ "/usr/bin/python3.11",
			"-c 'import json,ssl,sqlite3; print(json.dumps(list(range(5))))'" },
		Target{ "/usr/bin/gdb", "-q -batch -ex 'print 6*7'" },
		Target{ "/usr/bin/gcc", "--version" }, Target{ "/bin/busybox", "seq 1 5" },
		Target{ "/sbin/ldconfig", "-V" }, Target{ "/bin/ls", "-l /etc/passwd" },
		Target{ "/bin/bash", "-c 'echo $((6*7)); exit 0'" }),
	[](const testing::TestParamInfo<Target> &i) {
		std::string s = strrchr(i.param.path, '/') + 1;
		for (char &c : s)
			c = isalnum((unsigned char)c) ? c : '_';
		return s;
	});

} // namespace
