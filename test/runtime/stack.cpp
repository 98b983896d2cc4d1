// SPDX-License-Identifier: MIT
// Stacks by frame pointers: what is there comes out, what cannot be read ends them, ids are stable.
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <sys/mman.h>

#include <vector>

#include "hooks.h"
#include "kill_kinds.h"
#include "storm.h"

namespace {

struct Frames {
	uint64_t word[2 * 200], sp[1] = {0x5555};
	bpftime_frame_x86_64 ctx = {};

	explicit Frames(uint32_t n, uint64_t seed = 0)
	{
		for (uint32_t i = 0; i < n; i++) {
			word[2 * i] = i + 1 < n ? (uint64_t)&word[2 * i + 2] : 8;	// unreadable at last
			word[2 * i + 1] = 0x400000 + seed * 0x1000 + i;
		}
		ctx.cs = 0x33;
		ctx.ip = 0x1234;
		ctx.func_ip = 0x1000;
		ctx.bp = n ? (uint64_t)word : 8;
		ctx.sp = (uint64_t)sp;
	}
	std::vector<uint64_t> want(uint32_t n, bool entry) const
	{
		std::vector<uint64_t> v = {ctx.ip};
		if (entry)
			v.push_back(sp[0]);
		for (uint32_t i = 0; i < n; i++)
			v.push_back(word[2 * i + 1]);
		return v;
	}
};

int64_t stackid(Frames &f, const MapMem &k, uint64_t flags)
{
	return (int64_t)bpftime_h_get_stackid(&f.ctx, &k.m, k.base, flags);
}

}  // namespace

TEST(Stack, IsTheChainOfFrames)
{
	for (uint32_t n : {0u, 1u, 2u, 50u, 125u, 126u, 127u, 190u})
		for (bool entry : {false, true})
			for (uint64_t skip : {0, 1, 3, 60})
				for (uint64_t bytes : {0, 8, 24, 1016, 2000}) {
					Frames f(n);
					if (entry)
						f.ctx.func_ip = f.ctx.ip;
					auto all = f.want(n, entry);
					if (all.size() > 127)
						all.resize(127);
					all.erase(all.begin(), all.begin() + (long)std::min<size_t>(skip, all.size()));
					if (all.size() > bytes / 8)
						all.resize(bytes / 8);
					std::vector<uint64_t> out(bytes / 8 + 1, 0x77);
					int64_t r = (int64_t)bpftime_h_get_stack(&f.ctx, out.data(), bytes,
										  BPF_F_USER_STACK | skip);
					ASSERT_EQ(out[bytes / 8], 0x77u);
					if (all.empty()) {
						ASSERT_EQ(r, -EFAULT);
						continue;
					}
					ASSERT_EQ(r, (int64_t)all.size() * 8) << n << " " << entry << " " << skip;
					all.resize(bytes / 8);	// then zeros
					out.resize(bytes / 8);
					ASSERT_EQ(out, all);
				}
}

TEST(Stack, RefusesWhatTheKernelRefuses)
{
	Frames f(3);
	uint64_t out[4];
	MapMem k(map_attrs(MAP_TYPE_stack_trace, 4, 64, 16));
	EXPECT_EQ((int64_t)bpftime_h_get_stack(&f.ctx, out, 32, BPF_F_USER_STACK | 1 << 12), -EINVAL);
	EXPECT_EQ((int64_t)bpftime_h_get_stack(&f.ctx, out, 31, BPF_F_USER_STACK), -EINVAL);
	EXPECT_EQ((int64_t)bpftime_h_get_stack(&f.ctx, out, 32, 0), -EFAULT);	// the kernel's stack
	EXPECT_EQ((int64_t)bpftime_h_get_stack(&f.ctx, out, 32, BPF_F_USER_BUILD_ID), -EINVAL);
	EXPECT_EQ((int64_t)bpftime_h_get_stack(&f.ctx, out, 24, BPF_F_USER_STACK | BPF_F_USER_BUILD_ID), -EINVAL);
	EXPECT_EQ(stackid(f, k, BPF_F_USER_STACK | BPF_F_USER_BUILD_ID), -EINVAL);
	EXPECT_EQ(out[0], 0u);
	EXPECT_EQ(stackid(f, k, BPF_F_USER_STACK | 1 << 12), -EINVAL);
	EXPECT_EQ(stackid(f, k, 0), -EFAULT);
	EXPECT_EQ((int64_t)bpftime_h_get_stack((void *)8, out, 32, BPF_F_USER_STACK), -EFAULT);
}

TEST(Stack, OneIdForOneStack)
{
	MapMem k(map_attrs(MAP_TYPE_stack_trace, 4, 64, 100));
	std::vector<int64_t> id;
	int collisions = 0;
	for (uint64_t s = 0; s < 60; s++) {
		Frames f(5, s);
		id.push_back(stackid(f, k, BPF_F_USER_STACK));
		collisions += id.back() == -EEXIST;
		ASSERT_EQ(stackid(f, k, BPF_F_USER_STACK), id.back());
		if (id.back() == -EEXIST)
			continue;
		ASSERT_LT(id.back(), 128);
		ASSERT_EQ(stackid(f, k, BPF_F_USER_STACK | BPF_F_FAST_STACK_CMP), id.back());
		uint32_t key = (uint32_t)id.back();
		uint64_t got[8] = {};
		ASSERT_EQ(rt_map_lookup(&k.m, k.base, &key, got, 0), 0);
		auto want = f.want(5, false);
		want.resize(8);
		ASSERT_EQ(std::vector<uint64_t>(got, got + 8), want);
	}
	EXPECT_GT(collisions, 0);
	for (uint64_t s = 0; s < 60; s++)
		if (id[s] == -EEXIST) {
			Frames f(5, s);
			EXPECT_GE(stackid(f, k, BPF_F_USER_STACK | BPF_F_REUSE_STACKID), 0);
		}
	uint32_t key, next, n = 0;
	for (int r = rt_map_next_key(&k.m, k.base, nullptr, &key); !r; key = next, n++)
		r = rt_map_next_key(&k.m, k.base, &key, &next);
	EXPECT_EQ(n, 60u - collisions);
	EXPECT_EQ(rt_map_delete(&k.m, k.base, &key), 0);
	EXPECT_EQ(rt_map_delete(&k.m, k.base, &key), -ENOENT);
}

TEST(KillStack, StacksAreWhole)
{
	KillRun run(map_attrs(MAP_TYPE_stack_trace, 4, 256, 8));
	auto op = [](KillRun &r, uint32_t, std::mt19937_64 &rnd) {
		uint32_t key = rnd() % 8;
		uint64_t got[32];
		if (rnd() % 2) {
			Frames f(20, rnd() % 1000);
			int64_t id = stackid(f, r.map, BPF_F_USER_STACK | BPF_F_REUSE_STACKID);
			if (id < 0 && id != -EBUSY)
				_exit(10);
			return id < 0 ? (int)id : 0;
		}
		int e = rt_map_lookup(&r.map.m, r.map.base, &key, got, 0);
		for (int i = 2; !e && i <= 20; i++)
			if (got[i] != got[i - 1] + 1)
				_exit(11);
		return e == -ENOENT ? 0 : e;
	};
	run.go(op, [](KillRun &) { usleep(200); });
	for (uint64_t s = 0; s < 100; s++) {
		Frames f(20, s);
		ASSERT_GE(stackid(f, run.map, BPF_F_USER_STACK | BPF_F_REUSE_STACKID), 0);
	}
}

struct StormStacks : testing::TestWithParam<Weather> {};

// Whoever comes with it, at the same time or not: a stack has one id, and is there whole.
TEST_P(StormStacks, OneIdForOneStack)
{
	enum { STACKS = 16, BUSY = 0, OTHER_ID, TORN };
	MapMem k(map_attrs(MAP_TYPE_stack_trace, 4, 256, 4096));
	Storm s;
	auto *id = (int64_t *)mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	s.run(GetParam(), [&](uint32_t me, uint64_t seq) {
		uint64_t which = (me + seq) % STACKS, got[32];
		Frames f(20, which);
		int64_t r = stackid(f, k, BPF_F_USER_STACK), none = 0;
		if (r < 0) {	// taken by another stack, or by somebody who writes it right now
			s.count(r == -EBUSY || r == -EEXIST ? BUSY : OTHER_ID);
			return;
		}
		if (!__atomic_compare_exchange_n(&id[which], &none, r + 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED) &&
		    none != r + 1)
			s.count(OTHER_ID);
		uint32_t key = (uint32_t)r;
		int e = rt_map_lookup(&k.m, k.base, &key, got, 0);
		for (int i = 2; !e && i <= 20; i++)
			if (got[i] != got[i - 1] + 1)
				e = -EINVAL;
		if (e && e != -EBUSY)
			s.count(TORN);
	});
	EXPECT_EQ(s.c->n[OTHER_ID], 0u) << "another id, or an errno that there is not";
	EXPECT_EQ(s.c->n[TORN], 0u) << "torn";
	uint32_t key, next, n = 0, seen = 0;
	for (int r = rt_map_next_key(&k.m, k.base, nullptr, &key); !r; key = next, n++)
		r = rt_map_next_key(&k.m, k.base, &key, &next);
	for (int i = 0; i < STACKS; i++)
		seen += id[i] != 0;
	EXPECT_EQ(n, seen);
	EXPECT_GT(seen, (uint32_t)STACKS / 2);
	munmap(id, 4096);
}
INSTANTIATE_TEST_SUITE_P(In, StormStacks, testing::Values(THREADS, SIGNALS, FORKS, SHORT_THREADS, PROCESSES),
			 [](const auto &i) { return std::string(weather_name(i.param)); });
