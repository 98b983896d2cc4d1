// SPDX-License-Identifier: MIT
// Helpers asked the same as the kernel's own: results, errno and memory are equal.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <filesystem>
#include <random>

#include "helpers.h"
#include "kernel_helper.h"
#include "payload.h"
#include "rt_helpers.h"

namespace {

enum { OUT = 1024 };	// in mem: behind the inputs
using K = KernelHelper;

struct AsInTheKernel : testing::Test {
	K k;
	std::mt19937_64 rnd{11};

	void SetUp() override
	{
		uint64_t r0;
		if (!k.call(HELPER_get_current_pid_tgid, {}, &r0) && k.error == EPERM)
			GTEST_SKIP() << "bpf() is not permitted";
		ASSERT_EQ(k.error, 0) << k.log;
	}
	// True when the kernel ran it; else it must have refused the very program.
	bool ask(int id, const std::vector<K::Arg> &args, uint64_t *r0,
		 uint32_t type = BPF_PROG_TYPE_RAW_TRACEPOINT)
	{
		bool ran = k.call(id, args, r0, type);
		EXPECT_TRUE(ran) << k.error << "\n" << k.log;
		return ran;
	}
	void put(uint32_t off, const std::string &s)
	{
		memset(k.mem + off, 0, OUT - off);
		memcpy(k.mem + off, s.data(), s.size());
	}
};

}  // namespace

TEST_F(AsInTheKernel, NumbersFromText)
{
	const char *parts[] = {" ", "\t", "\xa0", "-", "+", "0", "0x", "0X", "7", "8", "9", "f", "F", "g", "12345678",
			       "9223372036854775807", "9223372036854775808", "18446744073709551615",
			       "18446744073709551616", "ffffffffffffffff", "x", "\n", "1777777777777777777777",
			       "0000000000000000000000000000000000000000000000000000000000000000000"};
	const uint64_t flags[] = {0, 0, 8, 10, 16, 2, 32, 1ull << 33};
	int good = 0;
	for (int i = 0; i < 1500; i++) {
		std::string s;
		for (uint64_t n = rnd() % 5; n; n--)
			s += parts[rnd() % (sizeof(parts) / sizeof(*parts))];
		uint64_t n = rnd() % 4 ? s.size() : 1 + rnd() % 40, f = flags[rnd() % 8], want;
		if (!n)
			continue;
		int id = rnd() % 2 ? HELPER_strtol : HELPER_strtoul;
		put(K::FREE, s);
		memset(k.mem + OUT, 0x55, 8);
		if (!ask(id, {K::at(K::FREE), K::number(n), K::number(f), K::at(OUT)}, &want))
			return;
		uint64_t got, to = 0x5555555555555555, theirs;
		got = id == HELPER_strtol ? bpftime_h_strtol(k.mem + K::FREE, n, f, &to)
					  : bpftime_h_strtoul(k.mem + K::FREE, n, f, &to);
		memcpy(&theirs, k.mem + OUT, 8);
		ASSERT_EQ((int64_t)got, (int64_t)want) << "'" << s << "' of " << n << " flags " << f;
		ASSERT_EQ(to, theirs) << "'" << s << "'";
		good += (int64_t)got > 0;
	}
	EXPECT_GT(good, 200);
}

TEST_F(AsInTheKernel, Strncmp)
{
	int equal = 0;
	for (int i = 0; i < 400; i++) {
		std::string a, b;
		for (int n = (int)(rnd() % 4); n; n--)
			a += (char)(rnd() % 3 ? 'a' : 0xe0), b += (char)(rnd() % 3 ? 'a' : 0xe0);
		uint64_t n = 1 + rnd() % 6, want;
		put(K::FREE, a);
		if (!ask(HELPER_strncmp, {K::at(K::FREE), K::number(n), K::string(b)}, &want))
			return;
		ASSERT_EQ((int64_t)bpftime_h_strncmp(k.mem + K::FREE, n, b.c_str()), (int64_t)want) << a << b;
		equal += !want;
	}
	EXPECT_GT(equal, 20);
}

TEST_F(AsInTheKernel, Snprintf)
{
	const char *parts[] = {"%d", "%u", "%x", "%X", "%lld", "%llu", "%lx", "%5d", "%-5d|", "%05d", "%i", "%c", "%%",
			       "text ", "%10llx", "%ld", "%p", "\n", "%3c", "%-3c|", "%px", "% d", "%+d", "%0x", "%#x"};
	int ran = 0, refused = 0;
	for (int i = 0; i < 1200; i++) {
		std::string f;
		uint64_t n = rnd() % 6, size = 1 + rnd() % 60, args = rnd() % 6, want, got;
		for (; n; n--)
			f += parts[rnd() % (sizeof(parts) / sizeof(*parts))];
		bool hashed = f.find("%p") != std::string::npos;	// the kernel hides addresses
		std::vector<uint64_t> v;
		for (uint64_t a = 0; a < args; a++)
			v.push_back(f.find("c") != std::string::npos ? 'a' + rnd() % 26 : rnd() >> rnd() % 64);
		memcpy(k.mem + K::FREE, v.data(), args * 8);
		memset(k.mem + OUT, 0x55, 64);
		char out[64];
		memset(out, 0x55, sizeof(out));
		got = bpftime_h_snprintf(out, size, f.c_str(), v.data(), args * 8);
		bool ok = k.call(HELPER_snprintf, {K::at(OUT), K::number(size), K::string(f),
				 args ? K::at(K::FREE) : K::number(0), K::number(args * 8)}, &want);
		if (!ok) {	// the kernel knows the format when it verifies
			ASSERT_EQ(k.error, EINVAL) << k.log;
			ASSERT_EQ((int64_t)got, -EINVAL) << f;
			refused++;
			continue;
		}
		ran++;
		if (hashed)
			continue;
		ASSERT_EQ((int64_t)got, (int64_t)want) << f;
		ASSERT_EQ(std::string(out, 64), std::string((char *)k.mem + OUT, 64)) << f;
	}
	EXPECT_GT(ran, 200);
	EXPECT_GT(refused, 50);
}

TEST_F(AsInTheKernel, CsumDiff)
{
	for (int i = 0; i < 400; i++) {
		uint64_t unit = rnd() % 2 ? 4 : 1, from = rnd() % 8 * unit, to = rnd() % 8 * unit, seed = (uint32_t)rnd() >> rnd() % 32, want;
		for (int b = K::FREE; b < 512; b++)
			k.mem[b] = (uint8_t)rnd();
		if (!ask(HELPER_csum_diff, {from ? K::at(K::FREE) : K::number(0), K::number(from),
			 to ? K::at(256) : K::number(0), K::number(to), K::number(seed)}, &want,
			 BPF_PROG_TYPE_XDP))
			return;
		ASSERT_EQ(bpftime_h_csum_diff(k.mem + K::FREE, from, k.mem + 256, to, seed), want)
			<< from << " " << to << " " << seed;
	}
}

TEST_F(AsInTheKernel, ClocksAndTicks)
{
	struct { int id; uint64_t (*fn)(void); } clock[] = {
		{HELPER_ktime_get_ns, bpftime_h_ktime_get_ns},
		{HELPER_ktime_get_boot_ns, bpftime_h_ktime_get_boot_ns},
		{HELPER_ktime_get_tai_ns, bpftime_h_ktime_get_tai_ns},
	};
	uint64_t before, theirs, after;
	for (auto &c : clock) {
		before = c.fn();
		if (!ask(c.id, {}, &theirs))
			return;
		after = c.fn();
		EXPECT_TRUE(before <= theirs && theirs <= after) << c.id;
	}
	before = bpftime_h_ktime_get_coarse_ns();
	ASSERT_TRUE(ask(HELPER_ktime_get_coarse_ns, {}, &theirs, BPF_PROG_TYPE_XDP));
	after = bpftime_h_ktime_get_coarse_ns();
	EXPECT_TRUE(before <= theirs && theirs <= after);
	auto apart = [&] {	// asked within a jiffy
		do {
			before = bpftime_h_jiffies64();
			EXPECT_TRUE(ask(HELPER_jiffies64, {}, &theirs));
			after = bpftime_h_jiffies64();
		} while (before != after);
		return (double)before - (double)theirs;
	};
	double first = apart();
	EXPECT_NEAR(first, 0, 1000);	// at boot they do not start together
	usleep(200000);
	EXPECT_NEAR(apart(), first, 3);
}

TEST_F(AsInTheKernel, WhoRuns)
{
	uint64_t want;
	ASSERT_TRUE(ask(HELPER_get_current_pid_tgid, {}, &want));
	EXPECT_EQ(bpftime_h_get_current_pid_tgid(), want);
	ASSERT_TRUE(ask(HELPER_get_current_uid_gid, {}, &want));
	EXPECT_EQ(bpftime_h_get_current_uid_gid(), want);
	ASSERT_TRUE(ask(HELPER_get_numa_node_id, {}, &want));
	EXPECT_EQ(bpftime_h_get_numa_node_id(), want);

	uint64_t mine = bpftime_h_get_current_cgroup_id();
	ASSERT_TRUE(ask(HELPER_get_current_cgroup_id, {}, &want));
	EXPECT_TRUE(mine == want || mine == 0) << mine << " " << want;	// 0: no unified hierarchy is mounted
}

TEST_F(AsInTheKernel, IdsInANamespace)
{
	struct stat st;
	ASSERT_EQ(stat("/proc/self/ns/pid", &st), 0);
	struct { uint64_t dev, ino, bytes; } t[] = {
		{st.st_dev, st.st_ino, 8}, {st.st_dev + 1, st.st_ino, 8}, {st.st_dev, st.st_ino + 1, 8},
		{st.st_dev, st.st_ino, 4}, {st.st_dev, st.st_ino, 16},
		{st.st_dev | 1ull << 40, st.st_ino, 8},
	};
	for (auto &c : t) {
		uint64_t want;
		uint8_t mine[16];
		memset(k.mem + OUT, 0x55, 16);
		memset(mine, 0x55, 16);
		if (!ask(HELPER_get_ns_current_pid_tgid, {K::number(c.dev), K::number(c.ino), K::at(OUT),
			 K::number(c.bytes)}, &want))
			return;
		EXPECT_EQ(bpftime_h_get_ns_current_pid_tgid(c.dev, c.ino, mine, c.bytes), want);
		EXPECT_EQ(memcmp(mine, k.mem + OUT, 16), 0) << c.bytes;
	}
}

TEST_F(AsInTheKernel, WritesToTheProcess)
{
	char *page = (char *)mmap(nullptr, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_EQ(mprotect(page + 4096, 4096, PROT_READ), 0);
	ASSERT_EQ(munmap(page + 8192, 4096), 0);
	put(K::FREE, "0123456789abcdef");
	for (uint64_t to : {(uint64_t)page, (uint64_t)page + 4080, (uint64_t)page + 4096, (uint64_t)page + 8192,
			    (uint64_t)8, (uint64_t)0xffff888000000000, (uint64_t)0xffffffffffffff00}) {
		uint64_t want;
		memset(page, 0, 4096);
		if (!k.call(HELPER_probe_write_user, {K::number(to), K::at(K::FREE), K::number(16)}, &want)) {
			ASSERT_EQ(k.error, EINVAL) << k.log;	// locked down: what it would say is known
			want = to == (uint64_t)page || to == (uint64_t)page + 4080 ? 0 : -EFAULT;
			memcpy(to % 8 || want ? page : (char *)to, k.mem + K::FREE, want ? 0 : 16);
		}
		std::string theirs(page, 4096);
		memset(page, 0, 4096);
		EXPECT_EQ((int64_t)bpftime_h_probe_write_user(to, k.mem + K::FREE, 16), (int64_t)want) << std::hex << to;
		if (!want) {
			EXPECT_EQ(std::string(page, 4096), theirs);
		}
	}
	munmap(page, 8192);
}

static volatile int got_signals, last_code;

TEST_F(AsInTheKernel, SignalsToOneself)
{
	struct sigaction sa = {}, old;
	sa.sa_flags = SA_SIGINFO;
	sa.sa_sigaction = [](int, siginfo_t *si, void *) {
		got_signals++;
		last_code = si->si_code;
	};
	ASSERT_EQ(sigaction(SIGUSR1, &sa, &old), 0);
	for (int id : {HELPER_send_signal, HELPER_send_signal_thread})
		for (uint64_t sig : {(uint64_t)SIGUSR1, 0ul, 65ul, 1000ul, 1ul << 32 | SIGUSR1}) {
			uint64_t want;
			got_signals = 0;
			if (!ask(id, {K::number(sig)}, &want))
				return;
			usleep(1000);
			int theirs = got_signals, code = last_code;
			got_signals = 0;
			EXPECT_EQ((int64_t)(id == HELPER_send_signal ? bpftime_h_send_signal(sig)
								      : bpftime_h_send_signal_thread(sig)),
				  (int64_t)want) << sig;
			EXPECT_EQ(got_signals, theirs) << sig;
			if (theirs) {
				EXPECT_EQ(last_code, code);
			}
		}
	sigaction(SIGUSR1, &old, nullptr);
}

// A map directory that is gone again.
struct OwnMaps {
	char dir[32] = "/tmp/bpftime-printk-XXXXXX";
	OwnMaps()
	{
		EXPECT_NE(mkdtemp(dir), nullptr);
		tp_finish(dir, 0);
	}
	~OwnMaps() { std::filesystem::remove_all(dir); }
};

TEST_F(AsInTheKernel, TracePrintkCountsAndRefuses)
{
	OwnMaps maps;
	const char *fmt[] = {"plain", "%d %s", "%d %d %d %d", "%q", "%"};
	for (auto f : fmt) {
		uint64_t want, n = strlen(f) + 1, v[4] = {1, 0, 3, 4};
		put(K::FREE, std::string(f, n));
		memcpy(k.mem + OUT, v, sizeof(v));
		if (!ask(HELPER_trace_vprintk, {K::at(K::FREE), K::number(n), K::at(OUT), K::number(32)}, &want))
			return;
		EXPECT_EQ((int64_t)bpftime_h_trace_vprintk(f, n, v, 32), (int64_t)want) << f;
	}
	uint64_t want;
	put(K::FREE, std::string("%d", 3));
	ASSERT_TRUE(ask(HELPER_trace_vprintk, {K::at(K::FREE), K::number(3), K::at(OUT), K::number(12)}, &want));
	uint64_t v[2] = {};
	EXPECT_EQ(bpftime_h_trace_vprintk("%d", 3, v, 12), want);
}
