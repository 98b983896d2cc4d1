// SPDX-License-Identifier: MIT
// Debian's own programs do their job unharmed with an entry and a return hooked, and the
// hooks count what a kernel uprobe at the same place counts.
#include "e2e.h"

static const std::string hook = BPFTIME_E2E_HOOK;

struct Job {
	const char *name, *binary, *symbol;
	const char *run;	// %p is the program; deterministic
	bool exact;		// the number of calls is the same in every run
};
static void PrintTo(const Job &j, std::ostream *o) { *o << j.name; }

static const Job jobs[] = {
	{ "openssl_dgst", "/usr/bin/openssl", "BIO_read",
	  "head -c 3000000 /dev/zero | %p dgst -sha256", true },
	{ "openssl_enc", "/usr/bin/openssl", "BIO_read",
	  "head -c 100000 /dev/zero | %p enc -aes-128-cbc -K 00112233445566778899aabbccddeeff "
	  "-iv 000102030405060708090a0b0c0d0e0f | sha256sum", true },
	{ "python", "/usr/bin/python3.11", "PyList_Append",
	  "%p -S -E -c 'import json; print(sum(len(json.dumps(list(range(i)))) for i in range(200)))'", true },
	{ "python_alloc", "/usr/bin/python3.11", "PyObject_Malloc",
	  "%p -S -E -c 'print(len([str(i) for i in range(20000)]))'", false },
	{ "sqlite3_script", "/usr/bin/sqlite3", "sqlite3_step",
	  "%p :memory: \"create table t(a,b); with recursive c(n) as (select 1 union all select n+1 from c "
	  "where n<5000) insert into t select n, n*n from c; select count(*), sum(b) from t; "
	  "select a from t where b%977=0;\"", true },
	{ "sqlite3_selftest", "/usr/bin/sqlite3", "sqlite3_prepare_v2",
	  "%p :memory: 'create table t(a); insert into t values(1);' '.selftest'", true },
	{ "nginx_test", "/usr/sbin/nginx", "ngx_conf_parse",
	  "printf 'events {}\\nhttp { server { listen 127.0.0.1:18999; } }\\n' > %d/n.conf; "
	  "%p -t -q -p %d -c %d/n.conf -g 'error_log stderr; pid %d/nginx.pid;'", true },
	{ "openssl_speed", "/usr/bin/openssl", "EVP_Digest", "%p speed -seconds 1 -bytes 64 sha256 "
	  "2>&1 | grep -c sha256", false },
};

static std::string command(const Job &j, const std::string &prog, const std::string &dir)
{
	std::string cmd = std::regex_replace(j.run, std::regex("%p"), prog);
	return std::regex_replace(cmd, std::regex("%d"), dir);
}

struct Debian : testing::TestWithParam<Job> {};

TEST_P(Debian, JobIsUnharmedAndCounted)
{
	const Job &j = GetParam();
	if (access(j.binary, X_OK))
		GTEST_SKIP() << j.binary << " is not installed";
	Scratch tmp;
	const std::string patched = tmp / "patched", maps = tmp / "maps";
	std::filesystem::create_directory(tmp / "work");
	const std::string dir = tmp / "work";
	// A copy, so that the kernel counts no other process.
	const std::string plain = tmp / "plain";
	std::filesystem::copy_file(j.binary, plain);
	Output made = shell(bin + "bpftime-patch --binary " + plain + " --uprobe " + j.symbol +
			 " --uretprobe " + j.symbol + " --map-dir " + maps + " -o " + patched + " " + hook);
	ASSERT_EQ(made.status, 0) << made.text;
	Output expect = shell(command(j, plain, dir));
	EXPECT_EQ(expect.status, 0) << expect.text;
	EXPECT_EQ(shell(command(j, patched, dir)), expect);
	long entries = map_value(maps, "entries"), returns = map_value(maps, "returns");
	EXPECT_GT(entries, 0);
	EXPECT_GT(returns, 0);
	EXPECT_LE(returns, entries);

	KernelCount kernel;
	if (!kernel.reason.empty())
		GTEST_SKIP() << kernel.reason;
	Place at = place_of(plain, j.symbol);
	ASSERT_TRUE(at.found);
	ASSERT_TRUE(kernel.run(plain, at.foff, command(j, plain, dir)));
	if (!j.exact) {
		EXPECT_GT(kernel.entries, 0);
		return;
	}
	EXPECT_EQ(entries, kernel.entries);
	EXPECT_EQ(returns, kernel.returns);
}

INSTANTIATE_TEST_SUITE_P(Job, Debian, testing::ValuesIn(jobs),
			 [](const auto &i) { return std::string(i.param.name); });

// A server under load answers every request, hooked at every command it executes.
TEST(Redis, BenchmarkIsUnharmedAndCounted)
{
	if (access("/usr/bin/redis-server", X_OK) || !have("redis-benchmark"))
		GTEST_SKIP() << "redis is not installed";
	Scratch tmp;
	const std::string patched = tmp / "redis", maps = tmp / "maps", sock = tmp / "sock";
	Output made = shell(bin + "bpftime-patch --binary redis-server --uprobe write --uretprobe write --map-dir " +
			 maps + " -o " + patched + " " + hook);
	ASSERT_EQ(made.status, 0) << made.text;
	Output run = shell("cd " + tmp.dir + "; " + patched + " --port 0 --unixsocket " + sock +
			" --save '' --daemonize no --logfile log & pid=$!; "
			"for i in $(seq 100); do [ -S " + sock + " ] && break; sleep 0.05; done; "
			"redis-benchmark -s " + sock + " -n 20000 -c 20 -q -t set,get,incr,lpush > out; "
			"redis-cli -s " + sock + " set answer 42; redis-cli -s " + sock + " incr answer; "
			"redis-cli -s " + sock + " shutdown nosave; wait $pid; echo status $?");
	EXPECT_EQ(run.text, "OK\n43\nstatus 0\n");
	long entries = map_value(maps, "entries");
	EXPECT_GT(entries, 4 * 20000 / 20 / 2);	// a reply for each request; pipelining joins some
	EXPECT_EQ(map_value(maps, "returns"), entries);
}
