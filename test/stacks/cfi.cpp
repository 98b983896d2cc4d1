// SPDX-License-Identifier: MIT
// The runtime's reader of .eh_frame says what the patcher's says, for every place of many files; neither
// shares code with the other.  Damaged data ends the search, and nothing else.
#include <gtest/gtest.h>

#include <sys/mman.h>

#include <cstring>
#include <filesystem>
#include <random>

#include "cfi.h"
#include "hooks.h"
#include "modules.h"
#include "unwind.h"
#include "unwind_table.h"

namespace {

// A file's segments where the headers want them, as one piece of memory.
struct Mapped {
	struct arena *a = arena_new();
	struct image *im = nullptr;
	char *at = nullptr;
	uint64_t bytes = 0;
	rt_module m = {};

	explicit Mapped(const std::string &path)
	{
		struct diags dg = {};
		if (image_read(a, path.c_str(), &im, &dg) || !im->eh_frame_hdr_vaddr)
			return;
		bytes = im->vaddr_end;
		at = (char *)mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		for (int i = 0; i < im->eh.e_phnum; i++)
			if (im->ph[i].p_type == PT_LOAD)
				memcpy(at + im->ph[i].p_vaddr, im->file.p + im->ph[i].p_offset, im->ph[i].p_filesz);
		m.eh_frame_hdr = (uint64_t)at + im->eh_frame_hdr_vaddr;
	}
	~Mapped()
	{
		if (at)
			munmap(at, bytes);
		arena_free(a);
	}
};

void compare(const Mapped &f, uint64_t vaddr, uint64_t &known)
{
	static uint32_t serial;
	struct unwind_rule want = {}, got;
	cfi_row row;
	rt_module m = f.m;
	bool is = false;

	m.serial = ++serial;	// nothing is remembered of it
	if (image_fde_at(f.im, vaddr)) {
		bool read = cfi_row_at(f.im, vaddr, &row);
		want = unwind_rule_of(&row, vaddr);
		is = (read || row.signal) && want.cfa != UNWIND_UNKNOWN;
	}
	known += is;
	ASSERT_EQ(rt_unwind_cfi(&m, (uint64_t)f.at + vaddr, &got), is) << std::hex << vaddr;
	if (is)
		ASSERT_EQ(memcmp(&got, &want, sizeof(got)), 0)
			<< std::hex << vaddr << ": " << (int)got.cfa << " " << got.off << " " << (int)got.bp << " "
			<< got.bp_off << ", not " << (int)want.cfa << " " << want.off << " " << (int)want.bp << " " << want.bp_off;
}

}  // namespace

TEST(UnwindCfi, IsThePatchers)
{
	size_t files = 0;
	for (auto path : {"/usr/sbin/nginx", "/usr/bin/python3.11", "/lib/x86_64-linux-gnu/libc.so.6",
			  "/usr/lib/x86_64-linux-gnu/libcrypto.so.3", "/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
			  "/lib64/ld-linux-x86-64.so.2"}) {
		Mapped f(path);
		if (!f.at)
			continue;
		std::mt19937_64 rnd(7);
		uint64_t known = 0, asked = 0;
		for (size_t i = 0; i < f.im->n_fde; i++) {
			const image_fde &d = f.im->fde[i];
			if (i && d.vaddr < f.im->fde[i - 1].vaddr + f.im->fde[i - 1].bytes)
				continue;	// which of two counts is anybody's guess
			for (uint64_t at : {d.vaddr, d.vaddr + d.bytes - 1, d.vaddr + rnd() % d.bytes,
					    d.vaddr + rnd() % d.bytes, d.vaddr + rnd() % d.bytes})
				if (i + 1 == f.im->n_fde || at < f.im->fde[i + 1].vaddr) {
					compare(f, at, known);
					asked++;
				}
			if (testing::Test::HasFatalFailure())
				FAIL() << path;
		}
		EXPECT_GT(known, asked * 95 / 100) << path;
		files++;
	}
	if (!files)
		GTEST_SKIP() << "none of the files is here";
}

TEST(UnwindCfi, DamageEndsTheSearch)
{
	Mapped f("/lib/x86_64-linux-gnu/libc.so.6");
	if (!f.at)
		GTEST_SKIP() << "no libc.so.6 where Debian has it";
	std::mt19937_64 rnd(3);
	rt_module m = f.m;
	uint64_t from = f.im->eh_frame_vaddr, bytes = f.im->fde[f.im->n_fde - 1].fde_vaddr - from;
	std::vector<char> whole(f.at + from, f.at + from + bytes), hdr(f.at + f.im->eh_frame_hdr_vaddr, f.at + f.im->eh_frame_hdr_vaddr + 4096);
	uint64_t known = 0;
	for (int round = 0; round < 300; round++) {
		for (int i = 0; i < 2000; i++)
			f.at[from + rnd() % bytes] = (char)rnd();
		if (round % 3 == 0)
			for (int i = 0; i < 40; i++)
				f.at[f.im->eh_frame_hdr_vaddr + rnd() % 4096] = (char)rnd();
		for (int i = 0; i < 300; i++) {
			struct unwind_rule r;
			m.serial++;
			known += rt_unwind_cfi(&m, (uint64_t)f.at + f.im->fde[rnd() % f.im->n_fde].vaddr + rnd() % 64, &r);
		}
		memcpy(f.at + from, whole.data(), bytes);
		memcpy(f.at + f.im->eh_frame_hdr_vaddr, hdr.data(), hdr.size());
	}
	EXPECT_GT(known, 0u);
}

// Whatever a context and a stack say, the walk ends, within its room.
TEST(UnwindGarbage, Ends)
{
	std::mt19937_64 rnd(11);
	std::vector<uint64_t> stack(4096), code;
	for (auto f : {(uint64_t)&rt_stack_walk, (uint64_t)&rt_unwind_cfi, (uint64_t)&mmap, (uint64_t)&memcmp,
		       (uint64_t)&std::_Hash_bytes, (uint64_t)&compare})
		code.push_back(f);
	uint64_t frames = 0;
	for (int round = 0; round < 20000; round++) {
		auto any = [&]() -> uint64_t {
			switch (rnd() % 8) {
			case 0: return rnd();
			case 1: return rnd() % 4096;
			case 2: case 3: return (uint64_t)&stack[rnd() % stack.size()];
			case 4: return (uint64_t)&stack[rnd() % stack.size()] + rnd() % 8;
			case 5: return 0ull - rnd() % 4096;
			default: return code[rnd() % code.size()] + rnd() % 256;
			}
		};
		for (int i = 0; i < 400; i++)
			stack[rnd() % stack.size()] = any();
		bpftime_frame_x86_64 f = {};
		uint32_t max = 1 + rnd() % 127;
		std::vector<uint64_t> ip(max + 1, 0x77);
		f.cs = rnd() % 2 ? 0x33 : 0;
		f.r8 = any();
		f.ip = any();
		f.func_ip = rnd() % 2 ? f.ip : any();
		f.sp = any();
		f.bp = any();
		uint32_t n = rt_stack_walk(&f, ip.data(), max);
		ASSERT_LE(n, max);
		ASSERT_EQ(ip[max], 0x77u);
		frames += n;
	}
	EXPECT_GT(frames, 40000u);
}
