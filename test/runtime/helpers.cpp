// SPDX-License-Identifier: MIT
// Helpers that answer about the running thread, against what libc and the kernel say.
#include <gtest/gtest.h>

#include <ctime>
#include <random>
#include <sched.h>
#include <set>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "format.h"
#include "hooks.h"
#include "rt_helpers.h"

static uint64_t libc_ns(clockid_t c)
{
	timespec ts;
	clock_gettime(c, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

TEST(Helpers, ClocksLieBetweenTwoReadings)
{
	for (int i = 0; i < 1000; i++) {
		uint64_t a = libc_ns(CLOCK_MONOTONIC), b = bpftime_h_ktime_get_ns(),
			 c = libc_ns(CLOCK_MONOTONIC);
		ASSERT_TRUE(a <= b && b <= c);
		a = libc_ns(CLOCK_BOOTTIME), b = bpftime_h_ktime_get_boot_ns(), c = libc_ns(CLOCK_BOOTTIME);
		ASSERT_TRUE(a <= b && b <= c);
	}
}

TEST(Helpers, CpuIsTheOneWeArePinnedTo)
{
	cpu_set_t all, one;
	sched_getaffinity(0, sizeof(all), &all);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
		EXPECT_EQ(bpftime_h_get_smp_processor_id(), (uint64_t)cpu);
		EXPECT_EQ(rt_cpu(), (uint64_t)cpu);
	}
	sched_setaffinity(0, sizeof(all), &all);
}

TEST(Helpers, CommIsTheThreads)
{
	std::thread([] {
		prctl(PR_SET_NAME, "fifteen-bytes-x");
		char to[24];
		for (uint64_t n = 1; n <= sizeof(to); n++) {
			memset(to, 0x55, sizeof(to));
			EXPECT_EQ(bpftime_h_get_current_comm(to, n), 0u);
			EXPECT_EQ(std::string(to), std::string("fifteen-bytes-x").substr(0, n - 1));
			for (uint64_t i = strlen(to); i < n; i++)
				EXPECT_EQ(to[i], 0);
			if (n < sizeof(to))
				EXPECT_EQ(to[n], 0x55);
		}
	}).join();
}

TEST(Helpers, UidGidAreTheRealOnesNow)
{
	EXPECT_EQ(bpftime_h_get_current_uid_gid(), (uint64_t)getgid() << 32 | getuid());
	if (geteuid())
		GTEST_SKIP() << "changing user needs root";
	pid_t pid = fork();
	if (!pid) {
		int r = setresgid(12, 13, 14) | setresuid(1234, 0, 0);
		_exit(r || bpftime_h_get_current_uid_gid() != (12ull << 32 | 1234));
	}
	int status;
	waitpid(pid, &status, 0);
	EXPECT_EQ(status, 0);
}

TEST(Helpers, RandomNumbersDifferAlsoAfterFork)
{
	std::set<uint64_t> seen;
	for (int i = 0; i < 1000; i++)
		seen.insert(bpftime_h_get_prandom_u32());
	EXPECT_GT(seen.size(), 990u);
	EXPECT_LE(*seen.rbegin(), UINT32_MAX);
	int fd[2];
	ASSERT_EQ(pipe(fd), 0);
	for (int i = 0; i < 2; i++)
		if (!fork()) {
			uint64_t v = bpftime_h_get_prandom_u32();
			_exit(write(fd[1], &v, sizeof(v)) != sizeof(v));
		}
	uint64_t a, b;
	ASSERT_EQ(read(fd[0], &a, 8) + read(fd[0], &b, 8), 16);
	EXPECT_NE(a, b);
	while (wait(nullptr) > 0)
		;
}

TEST(Helpers, CookieAndFunctionComeFromTheFrame)
{
	bpftime_frame_x86_64 f = {};
	f.cookie = 0x1122334455667788;
	f.func_ip = 0x401000;
	EXPECT_EQ(bpftime_h_get_attach_cookie(&f), f.cookie);
	EXPECT_EQ(bpftime_h_get_func_ip(&f), f.func_ip);
}

TEST(Helpers, ArgumentsAndResultComeFromTheFrame)
{
	bpftime_frame_x86_64 f = {};
	uint64_t *const reg[] = {&f.di, &f.si, &f.dx, &f.cx, &f.r8, &f.r9}, v = 0;
	for (uint64_t i = 0; i < 6; i++)
		*reg[i] = 100 + i;
	f.ax = 7;
	EXPECT_EQ(bpftime_h_get_func_arg_cnt(&f), 6u);
	for (uint64_t i = 0; i < 6; i++) {
		EXPECT_EQ(bpftime_h_get_func_arg(&f, i, &v), 0u);
		EXPECT_EQ(v, 100 + i);
		EXPECT_EQ(bpftime_h_get_func_arg(&f, 1ull << 32 | i, &v), 0u);	// the kernel's u32
	}
	EXPECT_EQ((int64_t)bpftime_h_get_func_arg(&f, 6, &v), -EINVAL);
	EXPECT_EQ(v, 105u);
	EXPECT_EQ(bpftime_h_get_func_ret(&f, &v), 0u);
	EXPECT_EQ(v, 7u);
	EXPECT_EQ(bpftime_h_override_return(&f, 9), 0u);
	EXPECT_EQ(f.out_value, 9u);
	EXPECT_NE(f.out_set, 0u);
}

static std::string formatted(const std::string &fmt, std::vector<uint64_t> arg, int64_t *r = nullptr)
{
	char out[256];
	int64_t n = rt_format(out, sizeof(out), fmt.c_str(), fmt.size() + 1, arg.data(), (uint32_t)arg.size());
	if (r)
		*r = n;
	return n < 0 ? "refused" : out;
}

TEST(Format, AgreesWithLibc)
{
	std::mt19937_64 rng(7);
	static const char *const lengths[] = { "", "l", "ll" };
	for (int i = 0; i < 20000; i++) {
		std::string f = "a%";
		bool minus = rng() % 4 == 0;
		f += minus ? "-" : rng() % 3 == 0 ? "0" : "";
		if (rng() % 2)
			f += std::to_string(1 + rng() % 20);
		int len = (int)(rng() % 3);
		f += lengths[len];
		f += "diuxX"[rng() % 5];
		f += "|";
		uint64_t v = rng() >> rng() % 64;
		char want[256];
		if (len == 0)
			snprintf(want, sizeof(want), f.c_str(), (int)v);
		else
			snprintf(want, sizeof(want), f.c_str(), (long)v);
		int64_t r;
		ASSERT_EQ(formatted(f, { v }, &r), want) << f << " " << v;
		ASSERT_EQ(r, (int64_t)strlen(want));
	}
}

TEST(Format, StringsCharactersAndPercent)
{
	const char *s = "hello";
	EXPECT_EQ(formatted("%s %10s|%-8s|%c%%", { (uint64_t)s, (uint64_t)s, (uint64_t)s, 'x' }),
		  "hello      hello|hello   |x%");
	EXPECT_EQ(formatted("[%s]", { 8 }), "[]");	// unreadable
	EXPECT_EQ(formatted("%pks", { (uint64_t)s }), "hello");
}

TEST(Format, RefusesWhatTheKernelRefuses)
{
	for (auto f : { "%", "%q", "%f", "%n", "%hd", "%ls", "%lc", "%lllx", "\x01", "\xc3\xa9", "%*d", "%.3d" })
		EXPECT_EQ(formatted(f, { 1, 2, 3 }), "refused") << f;
	EXPECT_EQ(formatted("%d %d", { 1 }), "refused");
	char out[8];
	EXPECT_EQ(rt_format(out, 8, "abc", 3, nullptr, 0), -EINVAL);	// no NUL
	EXPECT_EQ(rt_format(out, 4, "abcdef", 7, nullptr, 0), 6);
	EXPECT_STREQ(out, "abc");
}
