// SPDX-License-Identifier: MIT
// Several processes at a user ring buffer, some of which die. What drains return is compared with the
// kernel in test/compiler/user_ring.cpp.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>

#include "dynptr.h"
#include "map_mem.h"
#include "rt_helpers.h"
#include "storm.h"

namespace {

struct UserRing : testing::Test {
	MapMem r{map_attrs(MAP_TYPE_user_ringbuf, 0, 0, 4096)};

	int push(const std::string &s) { return rt_user_ringbuf_push(&r.m, r.base, s.data(), (uint32_t)s.size()); }
	bool next(helper_drain &at) { return bpftime_h_user_ringbuf_drain(&r.m, r.base, &at); }
	static std::string text(const helper_drain &at)
	{
		auto d = (const rt_dynptr *)at.dynptr;
		return std::string((const char *)rt_dynptr_at(d, 0), rt_dynptr_size(d));
	}
	// A child that stands in its first sample; with `die` it is killed there.
	pid_t stand_in_sample(bool die)
	{
		int fd[2];
		char c;
		EXPECT_EQ(pipe(fd), 0);
		pid_t pid = fork();
		if (!pid) {
			helper_drain at = {};
			if (!next(at) || write(fd[1], "", 1) != 1)
				_exit(1);
			for (;;)
				pause();
		}
		EXPECT_EQ(read(fd[0], &c, 1), 1);
		close(fd[0]), close(fd[1]);
		if (die) {
			kill(pid, SIGKILL);
			waitpid(pid, nullptr, 0);
		}
		return pid;
	}
};

}

TEST_F(UserRing, SamplesComeOutInOrderWhole)
{
	unsigned in = 0, out = 0;
	for (int turn = 0; turn < 300; turn++) {
		helper_drain at = {};
		while (!push(std::string(1 + in % 700, (char)('a' + in % 26))))
			in++;
		while (next(at)) {
			ASSERT_EQ(text(at), std::string(1 + out % 700, (char)('a' + out % 26)));
			out++;
		}
		EXPECT_EQ(at.result, at.given);
		ASSERT_EQ(in, out);
	}
}

TEST_F(UserRing, Limits)
{
	std::string most(4088, 'x');
	EXPECT_EQ(push(std::string(4089, 'x')), -E2BIG);
	EXPECT_EQ(push(most), 0);
	EXPECT_EQ(push(""), -ENOSPC);
	helper_drain at = {};
	ASSERT_TRUE(next(at));
	EXPECT_EQ(text(at), most);
	EXPECT_EQ(push(""), -ENOSPC);	// not before it is done with
	EXPECT_FALSE(next(at));
	EXPECT_EQ(push(""), 0);
}

TEST_F(UserRing, OneDrainAtATime)
{
	push("one");
	pid_t pid = stand_in_sample(false);
	helper_drain at = {};
	auto began = std::chrono::steady_clock::now();
	EXPECT_FALSE(next(at));
	EXPECT_EQ((int64_t)at.result, -EBUSY);
	EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(10));
	EXPECT_EQ(push("two"), 0);	// producers do not mind
	kill(pid, SIGKILL);
	waitpid(pid, nullptr, 0);
}

TEST_F(UserRing, ASampleOfADeadDrainIsSeenAgain)
{
	push("one"), push("two");
	stand_in_sample(true);
	helper_drain at = {};
	ASSERT_TRUE(next(at));
	EXPECT_EQ(text(at), "one");
	ASSERT_TRUE(next(at));
	EXPECT_EQ(text(at), "two");
	EXPECT_FALSE(next(at));
	EXPECT_EQ(at.result, 2u);
}

TEST_F(UserRing, ADeadProducerLeavesNothing)
{
	for (int i = 0; i < 200; i++) {
		pid_t pid = fork();
		if (!pid)
			for (;;)
				push("sample");
		std::this_thread::sleep_for(std::chrono::microseconds(100 + i % 7 * 100));
		kill(pid, SIGKILL);
		waitpid(pid, nullptr, 0);
		helper_drain at = {};
		while (next(at))
			ASSERT_EQ(text(at), "sample");
		ASSERT_GE((int64_t)at.result, 0);
		ASSERT_EQ(push("mine"), 0);
		at = {};
		ASSERT_TRUE(next(at));
		EXPECT_EQ(text(at), "mine");
		EXPECT_FALSE(next(at));
	}
}

struct StormUserRing : testing::TestWithParam<Weather> {};

// Half of all push, half drain: each sample that was pushed comes out once.
TEST_P(StormUserRing, EverySampleComesOnce)
{
	enum { PUSHED, PUSHED_SUM, CAME, CAME_SUM, WRONG };
	MapMem r(map_attrs(MAP_TYPE_user_ringbuf, 0, 0, 4096));
	Storm s;
	auto drain = [&] {
		helper_drain at = {};
		while (bpftime_h_user_ringbuf_drain(&r.m, r.base, &at)) {
			auto d = (const rt_dynptr *)at.dynptr;
			uint64_t v[2];
			if (rt_dynptr_size(d) != sizeof(v))
				s.count(WRONG);
			memcpy(v, rt_dynptr_at(d, 0), sizeof(v));
			if (v[1] != ~v[0])
				s.count(WRONG);
			s.count(CAME);
			s.count(CAME_SUM, v[0]);
		}
		if ((int64_t)at.result < 0 && (int64_t)at.result != -EBUSY)
			s.count(WRONG);
	};

	s.run(GetParam(), [&](uint32_t me, uint64_t seq) {
		uint64_t v[2] = {(uint64_t)me << 32 | seq, ~((uint64_t)me << 32 | seq)};
		if ((me + seq) % 2)
			return drain();
		int e = rt_user_ringbuf_push(&r.m, r.base, v, sizeof(v));
		if (!e) {
			s.count(PUSHED);
			s.count(PUSHED_SUM, v[0]);
		} else if (e != -ENOSPC && e != -EBUSY) {
			s.count(WRONG);
		}
	});
	drain();
	EXPECT_EQ(s.c->n[WRONG], 0u);
	EXPECT_GT(s.c->n[PUSHED], 0u);
	EXPECT_EQ(s.c->n[CAME], s.c->n[PUSHED]);
	EXPECT_EQ(s.c->n[CAME_SUM], s.c->n[PUSHED_SUM]);
}
INSTANTIATE_TEST_SUITE_P(In, StormUserRing, testing::Values(THREADS, SIGNALS, FORKS, SHORT_THREADS, PROCESSES),
			 [](const auto &i) { return std::string(weather_name(i.param)); });
