// SPDX-License-Identifier: MIT
// Debian's own programs with every function hooked: they do what they did before.
#include "e2e.h"

#include <unistd.h>

#include <fstream>

using namespace e2e;

namespace {

struct Job {
	const char *name, *binary;
	std::vector<std::string> args;
};

const char kPython[] =
	"import json,re,hashlib,threading,zlib\n"
	"def fib(n): return n if n<2 else fib(n-1)+fib(n-2)\n"
	"def g():\n"
	"  try: raise ValueError('x')\n"
	"  except ValueError as e: yield str(e)\n"
	"ts=[threading.Thread(target=lambda: sum(range(9999))) for _ in range(8)]\n"
	"[t.start() for t in ts];[t.join() for t in ts]\n"
	"try: (lambda f: f(f))(lambda f: f(f))\n"
	"except RecursionError as e: print('rec', e)\n"
	"print(fib(15), hashlib.sha256(b'x'*1000).hexdigest(), json.dumps({'a':[1,{'b':None}]}), list(g()),\n"
	"  re.findall(r'\\w+','hello big world'), zlib.crc32(b'abc'), 2**200, 3.14159**7)\n";
const char kSql[] =
	"create table t(a integer primary key, b text); insert into t(b) select hex(zeroblob(value)) from "
	"generate_series(1,300); create index i on t(b); select count(*), sum(length(b)) from t where b like '00%';"
	"with recursive f(a,b) as (select 0,1 union all select b,a+b from f limit 40) select max(a) from f;"
	"select group_concat(a) from t where a % 37 = 0; pragma integrity_check;";

const Job kJobs[] = {
	{"python", "/usr/bin/python3.11", {"-S", "-c", kPython}},
	{"sqlite", "/usr/bin/sqlite3", {":memory:", kSql}},
	{"openssl_dgst", "/usr/bin/openssl", {"dgst", "-sha512", "/usr/bin/openssl"}},
	{"openssl_enc", "/usr/bin/openssl",
	 {"enc", "-aes-256-cbc", "-K", std::string(64, '1'), "-iv", std::string(32, '2'), "-a", "-in", "/etc/passwd"}},
	{"redis", "/usr/bin/redis-server", {"--version"}},
	{"nginx", "/usr/sbin/nginx", {"-V"}},
	{"bash", "/bin/bash", {"-c", "for i in 1 2 3; do echo $((i*i)) $(echo sub $i); done | sort -r; declare -A m; "
			       "m[a]=1; echo ${m[@]} ${BASH_VERSION%%.*}; trap 'echo bye' EXIT; (exit 3) || echo $?"}},
	{"perl", "/usr/bin/perl", {"-e", "my %h; $h{$_ % 7} .= $_ for 1..200; print map {\"$_=$h{$_}\\n\"} sort keys %h; "
				   "eval { die {a=>1} }; print $@->{a}, \"\\n\"; print join ',', sort { $a <=> $b } "
				   "map { $_*7 % 31 } 1..50; fork() or exit; wait; printf \"%.3f\\n\", sin 1"}},
	{"tar", "/bin/tar", {"-c", "-f", "-", "--mtime=@0", "/etc/passwd"}},
	{"gzip", "/bin/gzip", {"-9cn", "/bin/gzip"}},
	{"grep", "/bin/grep", {"-c", "-E", "(GNU|version).*[0-9]{2}", "/usr/bin/openssl"}},
	{"xz", "/usr/bin/xz", {"-c", "-T2", "/bin/gzip"}},
	{"busybox", "/bin/busybox", {"sh", "-c", "seq 1 50 | sort -n | sha256sum; echo abc | sed s/b/x/ | awk '{print $1}'"}},
};

class Real : public testing::TestWithParam<Job> {
protected:
	void SetUp() override
	{
		if (access(GetParam().binary, R_OK))
			GTEST_SKIP() << GetParam().binary << " is not installed";
	}
};

TEST_P(Real, EveryEntry)
{
	const Job &j = GetParam();
	Patched p = patch(j.binary, {{COUNT, "*"}});
	ASSERT_EQ(p.error, "");
	EXPECT_GT(p.patched, 50 * p.refused);
	Result r = run_same(j.binary, p, j.args);
	EXPECT_GT(r.count(COUNT), 0u);
	printf("%zu patched, %zu refused, %lu hits\n", p.patched, p.refused, r.count(COUNT));
}

TEST_P(Real, EveryReturn)
{
	const Job &j = GetParam();
	Patched p = patch(j.binary, {{COUNT, "*"}, {COUNT_RET, "*"}});
	ASSERT_EQ(p.error, "");
	EXPECT_GT(p.patched, 0u);
	Result r = run_same(j.binary, p, j.args);
	EXPECT_GT(r.count(COUNT_RET), 0u);
	EXPECT_LE(r.count(COUNT_RET) + r.misses, r.count(COUNT));
	printf("%zu patched, %zu refused, %lu entries, %lu returns, %lu misses\n", p.patched, p.refused,
	       r.count(COUNT), r.count(COUNT_RET), r.misses);
}

INSTANTIATE_TEST_SUITE_P(Programs, Real, testing::ValuesIn(kJobs),
			 [](const auto &i) { return std::string(i.param.name); });

}
