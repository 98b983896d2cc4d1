// SPDX-License-Identifier: MIT
// Functions that copy the process's memory into a dynptr answer as the kernel's, which run in a
// system call program of this process, and leave the same memory.  An int has 32 bits: what a kernel
// leaves in the others of its register is chance.
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <random>
#include <vector>

#include "rt_helpers.h"

namespace {

enum { ROOM = 64 };
struct Call {		// the program's context
	uint64_t off, size, from, result;
};

// A program that calls one such function on a dynptr to all of a map's value.
class Kernel {
	int map = -1, prog = -1;

public:
	explicit Kernel(const char *function)
	{
		struct btf *b = btf__load_vmlinux_btf();
		int id = b ? btf__find_by_name_kind(b, function, BTF_KIND_FUNC) : -1;
		btf__free(b);
		map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "room", 4, ROOM, 1, nullptr);
		if (id < 0 || map < 0)
			return;
		const uint8_t ldx = BPF_LDX | BPF_MEM | BPF_DW, mov = BPF_ALU64 | BPF_MOV | BPF_K, movx = BPF_ALU64 | BPF_MOV | BPF_X;
		const uint8_t add = BPF_ALU64 | BPF_ADD | BPF_K, call = BPF_JMP | BPF_CALL;
		std::vector<bpf_insn> p = {
			{movx, 6, 1, 0, 0},
			{BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_VALUE, 0, map}, {0, 0, 0, 0, 0},
			{mov, 2, 0, 0, ROOM}, {mov, 3, 0, 0, 0}, {movx, 4, 10, 0, 0}, {add, 4, 0, 0, -16},
			{call, 0, 0, 0, BPF_FUNC_dynptr_from_mem},
			{movx, 1, 10, 0, 0}, {add, 1, 0, 0, -16},
			{ldx, 2, 6, offsetof(Call, off), 0}, {ldx, 3, 6, offsetof(Call, size), 0}, {ldx, 4, 6, offsetof(Call, from), 0},
			{call, 0, BPF_PSEUDO_KFUNC_CALL, 0, id},
			{BPF_STX | BPF_MEM | BPF_DW, 6, 0, offsetof(Call, result), 0},
			{mov, 0, 0, 0, 0}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
		};
		LIBBPF_OPTS(bpf_prog_load_opts, o, .prog_flags = BPF_F_SLEEPABLE);
		prog = bpf_prog_load(BPF_PROG_TYPE_SYSCALL, "copies", "GPL", p.data(), p.size(), &o);
	}
	~Kernel()
	{
		close(prog), close(map);
	}
	bool usable() const { return prog >= 0; }
	bool run(Call &c, uint8_t room[ROOM])
	{
		uint32_t zero = 0;
		LIBBPF_OPTS(bpf_test_run_opts, o, .ctx_in = &c, .ctx_size_in = sizeof(c));
		return !bpf_map_update_elem(map, &zero, room, 0) && !bpf_prog_test_run_opts(prog, &o) &&
		       !bpf_map_lookup_elem(map, &zero, room);
	}
};

typedef uint64_t (*function)(void *d, uint64_t off, uint64_t size, uint64_t from);

void same_as_the_kernels(const char *name, function ours, bool text)
{
	Kernel k(name);
	if (!k.usable())
		GTEST_SKIP() << "this process may not load BPF programs into the kernel, or it has no " << name;
	long page = sysconf(_SC_PAGESIZE);
	uint8_t *mem = (uint8_t *)mmap(nullptr, (size_t)page * 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(mem, MAP_FAILED);
	ASSERT_EQ(mprotect(mem + page, (size_t)page, PROT_NONE), 0);
	std::mt19937_64 rnd(11);
	unsigned faults = 0, big = 0, done = 0;
	for (int i = 0; i < 3000; i++) {
		uint8_t *end = mem + page, theirs[ROOM], mine[ROOM];
		uint64_t d[2];
		for (int b = 1; b <= 80; b++)
			end[-b] = (uint8_t)(rnd() % 20 ? 'a' + rnd() % 26 : 0);
		Call c = {rnd() % 8 ? rnd() % 70 : rnd(), rnd() % 8 ? rnd() % 70 : rnd() % 2 ? 0 : rnd(),
			  (uint64_t)end - rnd() % 80, 0x1111111111111111};
		if (rnd() % 20 == 0)
			c.from = rnd() % 2 ? 0 : 0xffff800000000000;
		memset(theirs, '.', ROOM), memset(mine, '.', ROOM);
		ASSERT_TRUE(k.run(c, theirs));
		bpftime_h_dynptr_from_mem(mine, ROOM, 0, d);
		uint64_t r = ours(d, c.off, c.size, c.from);
		ASSERT_EQ((uint32_t)r, (uint32_t)c.result) << name << " " << c.off << " " << c.size << " " << std::hex << c.from;
		faults += (int32_t)r == -EFAULT, big += (int32_t)r == -E2BIG, done += (int32_t)r >= 0;
		// strncpy_from_user() copies words: zeros may be behind the text, and before a fault is what it likes.
		if (text)
			ASSERT_EQ(memcmp(mine + (uint32_t)c.off % ROOM, theirs + (uint32_t)c.off % ROOM, (int32_t)r > 0 ? r : 0), 0);
		else
			ASSERT_EQ(memcmp(mine, theirs, ROOM), 0) << c.off << " " << c.size << " " << r;
	}
	EXPECT_GT(faults, 50u);
	EXPECT_GT(big, 50u);
	EXPECT_GT(done, 200u);
	munmap(mem, (size_t)page * 2);
}

}  // namespace

TEST(CopyUser, IntoDynptrsIsTheKernels)
{
	same_as_the_kernels("bpf_copy_from_user_dynptr", bpftime_h_copy_from_user_dynptr, false);
}

TEST(CopyUser, TextIntoDynptrsIsTheKernels)
{
	same_as_the_kernels("bpf_copy_from_user_str_dynptr", bpftime_h_copy_from_user_str_dynptr, true);
}
