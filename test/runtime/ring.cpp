// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <random>
#include <string>
#include <thread>

#include "map_mem.h"
#include "rt_helpers.h"

static std::string pop(MapMem &r)
{
	const void *sample;
	uint32_t bytes;
	if (rt_ringbuf_peek(&r.m, r.base, &sample, &bytes) != 1)
		return "";
	std::string s((const char *)sample, bytes);
	rt_ringbuf_consume(&r.m, r.base);
	return s;
}

static uint64_t output(MapMem &r, const std::string &s)
{
	return bpftime_h_ringbuf_output(&r.m, r.base, s.data(), s.size(), 0);
}

TEST(RtRing, RecordsComeOutInOrderWhole)
{
	MapMem r(map_attrs(MAP_TYPE_ringbuf, 0, 0, 4096));
	std::deque<std::string> want;
	std::mt19937 rnd(1);
	for (int i = 0; i < 20000; i++) {
		if (rnd() % 2) {
			std::string s(1 + rnd() % 300, (char)('a' + i % 26));
			uint64_t e = output(r, s);
			if (!e)
				want.push_back(s);
			else
				ASSERT_EQ((int64_t)e, -EAGAIN);
		} else if (!want.empty()) {
			ASSERT_EQ(pop(r), want.front());
			want.pop_front();
		} else {
			ASSERT_EQ(pop(r), "");
		}
	}
	EXPECT_GT(rt_ringbuf_drops(r.base), 0u);
}

TEST(RtRing, LimitsAreTheKernels)
{
	MapMem r(map_attrs(MAP_TYPE_ringbuf, 0, 0, 4096));
	// Never quite full: max_entries - 1 bytes at most.
	EXPECT_EQ(bpftime_h_ringbuf_reserve(&r.m, r.base, 4089, 0), nullptr);
	EXPECT_EQ(bpftime_h_ringbuf_reserve(&r.m, r.base, 4088, 0), nullptr);
	EXPECT_EQ(bpftime_h_ringbuf_reserve(&r.m, r.base, 8, 1), nullptr);
	void *s = bpftime_h_ringbuf_reserve(&r.m, r.base, 4080, 0);
	ASSERT_NE(s, nullptr);
	EXPECT_EQ((int64_t)output(r, "x"), -EAGAIN);
	EXPECT_EQ(bpftime_h_ringbuf_query(&r.m, r.base, RB_AVAIL_DATA), 4088u);
	EXPECT_EQ(bpftime_h_ringbuf_query(&r.m, r.base, RB_RING_SIZE), 4096u);
	EXPECT_EQ(bpftime_h_ringbuf_query(&r.m, r.base, RB_PROD_POS), 4088u);
	EXPECT_EQ(bpftime_h_ringbuf_query(&r.m, r.base, RB_CONS_POS), 0u);
	EXPECT_EQ(bpftime_h_ringbuf_query(&r.m, r.base, 9), 0u);
	EXPECT_EQ(pop(r), "");	// still BUSY
	bpftime_h_ringbuf_discard(s, 0);
	EXPECT_EQ(pop(r), "");
	EXPECT_EQ(output(r, "x"), 0u);
	EXPECT_EQ(pop(r), "x");
	EXPECT_EQ((int64_t)bpftime_h_ringbuf_output(&r.m, r.base, "x", 1, 4), -EINVAL);
}

TEST(RtRing, ConsumerSleepsAndIsWoken)
{
	MapMem r(map_attrs(MAP_TYPE_ringbuf, 0, 0, 65536));
	enum { N = 20000 };
	std::thread producer([&] {
		for (int i = 0; i < N; i++) {
			while (output(r, std::to_string(i)))
				usleep(100);
			if (i % 4000 == 0)
				usleep(2000);
		}
	});
	for (int i = 0; i < N; i++) {
		ASSERT_EQ(rt_ringbuf_wait(&r.m, r.base, 5000), 1);
		ASSERT_EQ(pop(r), std::to_string(i));
	}
	producer.join();
	EXPECT_EQ(rt_ringbuf_wait(&r.m, r.base, 10), 0);
}

// The record of a process that died between reserve and submit does not block the others.
TEST(RtRing, DeadOwnersRecordIsDiscarded)
{
	MapMem r(map_attrs(MAP_TYPE_ringbuf, 0, 0, 4096));
	pid_t child = fork();
	if (!child) {
		bpftime_h_ringbuf_reserve(&r.m, r.base, 8, 0);
		_exit(0);
	}
	ASSERT_EQ(waitpid(child, nullptr, 0), child);
	EXPECT_EQ(output(r, "after"), 0u);
	EXPECT_EQ(pop(r), "");
	EXPECT_EQ(rt_ringbuf_wait(&r.m, r.base, 1000), 1);
	EXPECT_EQ(pop(r), "after");
}

TEST(RtRing, FullOfDeadRecordsMakesRoom)
{
	MapMem r(map_attrs(MAP_TYPE_ringbuf, 0, 0, 4096));
	pid_t child = fork();
	if (!child) {
		bpftime_h_ringbuf_reserve(&r.m, r.base, 4000, 0);
		_exit(0);
	}
	// Not reaped by its parent yet: a zombie does not run either.
	siginfo_t si;
	ASSERT_EQ(waitid(P_PID, (id_t)child, &si, WEXITED | WNOWAIT), 0);
	EXPECT_EQ((int64_t)output(r, std::string(200, 'x')), -EAGAIN);	// not read yet
	EXPECT_EQ(pop(r), "");	// but discarded, so this skips it
	EXPECT_EQ(output(r, std::string(200, 'x')), 0u);
	EXPECT_EQ(pop(r), std::string(200, 'x'));
	waitpid(child, nullptr, 0);
}

TEST(RtRing, LiveOwnersRecordIsKept)
{
	MapMem r(map_attrs(MAP_TYPE_ringbuf, 0, 0, 4096));
	int go[2];
	ASSERT_EQ(pipe(go), 0);
	pid_t child = fork();
	if (!child) {
		char c;
		void *s = bpftime_h_ringbuf_reserve(&r.m, r.base, 4, 0);
		if (read(go[0], &c, 1) == 1) {
			memcpy(s, "late", 4);
			bpftime_h_ringbuf_submit(s, 0);
		}
		_exit(0);
	}
	while (!bpftime_h_ringbuf_query(&r.m, r.base, RB_AVAIL_DATA))
		usleep(100);
	for (int i = 0; i < 200; i++)
		output(r, "");
	EXPECT_EQ(rt_ringbuf_wait(&r.m, r.base, 250), 0);
	ASSERT_EQ(write(go[1], "x", 1), 1);
	EXPECT_EQ(rt_ringbuf_wait(&r.m, r.base, 5000), 1);
	EXPECT_EQ(pop(r), "late");
	waitpid(child, nullptr, 0);
	close(go[0]);
	close(go[1]);
}
