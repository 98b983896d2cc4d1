// SPDX-License-Identifier: MIT
// Each function on dynptrs, on dynptrs of each kind, with offsets and sizes inside, at and behind
// the end: results, errno and memory are those of the kernel, which runs the same programs.
#include <gtest/gtest.h>

#include <unistd.h>

#include "coder.h"
#include "kernel.h"
#include "oracle.h"
#include "run.h"

namespace {

enum { FROM_D = 0, FROM_E = 10, SIZE = 24, RESULT = 56 };	// in the value of array1
enum { D = -16, E = -32, BUFFER = -64 };			// below r10

enum kind { TO_NOTHING, MEMORY, PART, RECORD, NO_RECORD, KINDS };

struct code : coder {
	void make(kind k, int at, unsigned from);
	void end(kind k, int at);
	// r0 is added to the result: all 64 bits of it.
	void result()
	{
		value(1, RESULT);
		put(BPFI_STX | BPFI_ATOMIC | BPFI_DW, 1, 0, 0, BPFI_ATOMIC_ADD);
	}
	// r0 is a pointer or NULL: what is there, and that it is there.
	void pointed_at(bool write)
	{
		put(BPFI_JMP | BPFI_JEQ | BPFI_K, 0, 0, write ? 3 : 2, 0);
		if (write)
			put(BPFI_ST | BPFI_MEM | BPFI_B, 0, 0, 1, 0x77);
		put(BPFI_LDX | BPFI_MEM | BPFI_H, 0, 0, 0, 0);
		put(BPFI_ALU64 | BPFI_ADD | BPFI_K, 0, 0, 0, 1 << 20);
		result();
	}
};

void code::make(kind k, int at, unsigned from)
{
	if (k == RECORD || k == NO_RECORD) {
		imm64(1, GEN_RINGBUF, BPFI_LD_MAP), imm64(2, k == RECORD ? SIZE : 1 << 20), imm64(3, 0), place(4, at);
		helper(HELPER_ringbuf_reserve_dynptr);
		result();
		place(1, at), imm64(2, 0), imm64(3, SIZE), imm64(4, 0x41);
		kfunc(GEN_DYNPTR_MEMSET);
	} else {
		value(1, from), imm64(2, SIZE), imm64(3, k == TO_NOTHING), place(4, at);
		helper(HELPER_dynptr_from_mem);
	}
	result();
	if (k != PART)
		return;
	place(1, at), imm64(2, 3), imm64(3, 17);
	kfunc(GEN_DYNPTR_ADJUST);
	result();
}

void code::end(kind k, int at)
{
	if (k != RECORD && k != NO_RECORD)
		return;
	place(1, at), imm64(2, 0);
	helper(HELPER_ringbuf_discard_dynptr);
}

// a and b are offsets or sizes; the last is constant where it has to be.
const struct {
	const char *name;
	void (*with)(code &c, uint64_t a, uint64_t b);
} calls[] = {
	{"read", [](code &c, uint64_t a, uint64_t b) {
		c.place(1, BUFFER), c.imm64(2, b & 31), c.place(3, D), c.imm64(4, a), c.imm64(5, b == 9);
		c.helper(HELPER_dynptr_read), c.result();
		c.put(BPFI_LDX | BPFI_MEM | BPFI_DW, 0, 10, BUFFER, 0), c.result(); }},
	{"read into itself", [](code &c, uint64_t a, uint64_t b) {
		c.value(1, 6), c.imm64(2, b & 31), c.place(3, D), c.imm64(4, a), c.imm64(5, 0);
		c.helper(HELPER_dynptr_read), c.result(); }},
	{"write", [](code &c, uint64_t a, uint64_t b) {
		c.place(1, D), c.imm64(2, a), c.place(3, BUFFER), c.imm64(4, b & 31), c.imm64(5, b == 9);
		c.helper(HELPER_dynptr_write), c.result(); }},
	{"data", [](code &c, uint64_t a, uint64_t b) {
		c.place(1, D), c.imm64(2, a), c.imm64(3, b < 2 ? 2 : b);
		c.helper(HELPER_dynptr_data), c.pointed_at(true); }},
	{"slice", [](code &c, uint64_t a, uint64_t b) {
		c.place(1, D), c.imm64(2, a), c.imm64(3, 0), c.imm64(4, b < 2 ? 2 : b);
		c.kfunc(GEN_DYNPTR_SLICE), c.pointed_at(false); }},
	{"slice to write", [](code &c, uint64_t a, uint64_t b) {
		c.place(1, D), c.imm64(2, a), c.place(3, BUFFER), c.imm64(4, b < 2 ? 2 : b & 31);
		c.kfunc(GEN_DYNPTR_SLICE_RDWR), c.pointed_at(true); }},
	{"adjust", [](code &c, uint64_t a, uint64_t b) {
		c.place(1, D), c.imm64(2, a), c.imm64(3, b);
		c.kfunc(GEN_DYNPTR_ADJUST), c.result();
		c.place(1, D), c.kfunc(GEN_DYNPTR_SIZE), c.result(); }},
	{"clone", [](code &c, uint64_t a, uint64_t b) {
		c.place(1, D), c.place(2, -80);
		c.kfunc(GEN_DYNPTR_CLONE), c.result();
		c.place(1, -80), c.imm64(2, a), c.imm64(3, b), c.imm64(4, 0x1ff);
		c.kfunc(GEN_DYNPTR_MEMSET), c.result(); }},
	{"what is it", [](code &c, uint64_t, uint64_t) {
		for (int f : {GEN_DYNPTR_IS_NULL, GEN_DYNPTR_IS_RDONLY}) {
			c.place(1, D), c.kfunc(f);
			c.put(BPFI_ALU64 | BPFI_AND | BPFI_K, 0, 0, 0, 255);	// of a bool x86 says no more
			c.result();
		}
		c.place(1, D), c.kfunc(GEN_DYNPTR_SIZE), c.result(); }},
	{"copy", [](code &c, uint64_t a, uint64_t b) {
		c.place(1, D), c.imm64(2, a), c.place(3, E), c.imm64(4, 2), c.imm64(5, b);
		c.kfunc(GEN_DYNPTR_COPY), c.result(); }},
	{"read memory", [](code &c, uint64_t a, uint64_t b) {
		c.place(1, D), c.imm64(2, a), c.imm64(3, b), c.value(4, 32);
		c.kfunc(GEN_READ_DYNPTR), c.result(); }},
	{"read a string", [](code &c, uint64_t a, uint64_t b) {
		c.value(1, 35), c.put(BPFI_ST | BPFI_MEM | BPFI_B, 1, 0, 0, 0);
		c.place(1, D), c.imm64(2, a), c.imm64(3, b), c.value(4, 32);
		c.kfunc(GEN_READ_STR_DYNPTR), c.result(); }},
	{"copy back", [](code &c, uint64_t a, uint64_t b) {
		c.place(1, E), c.imm64(2, 1), c.place(3, D), c.imm64(4, a), c.imm64(5, b);
		c.kfunc(GEN_DYNPTR_COPY), c.result(); }},
};

gen_prog program(kind k, kind other, void (*with)(code &, uint64_t, uint64_t), uint64_t a, uint64_t b)
{
	gen_prog p = {PROG_XDP, {}, 1};
	code c;
	for (int i = 0; i < 48; i += 8) {
		c.value(1, (unsigned)i), c.imm64(2, 0x0706050403020100ull + 0x0808080808080808ull * (uint64_t)i / 8);
		c.put(BPFI_STX | BPFI_MEM | BPFI_DW, 1, 2, 0, 0);
	}
	for (int at = -80; at < 0; at += 8)
		c.put(BPFI_ST | BPFI_MEM | BPFI_DW, 10, 0, at, at * 0x01010101);
	c.make(k, D, FROM_D), c.make(other, E, FROM_E);
	with(c, a, b);
	c.end(k, D), c.end(other, E);
	c.put(BPFI_ALU64 | BPFI_MOV | BPFI_K, 0, 0, 0, 2);
	c.put(BPFI_JMP_EXIT, 0, 0, 0, 0);
	p.insn = c.insn;
	return p;
}

}

TEST(Dynptr, ResultsAreTheKernels)
{
	kernel_oracle k;
	if (!k.usable())
		GTEST_SKIP() << "this process may not load BPF programs into the kernel";
	const uint64_t args[][2] = {{0, 8}, {5, 9}, {16, 8}, {17, 8}, {24, 0}, {25, 0}, {9, 5}, {0, 24},
				    {UINT32_MAX, 2}, {1ull << 32 | 1, 8}, {2, UINT32_MAX}};
	run_batch batch(k);
	std::string text;
	uint64_t n = 0;
	for (int d = 0; d < KINDS; d++)
		for (auto &call : calls)
			for (auto &a : args) {
				kind other = (kind)((size_t)(&call - calls + (&a - args)) % KINDS);
				gen_prog p = program((kind)d, other, call.with, a[0], a[1]);
				p.seed = n++ % 3;	// the level at which it is compiled
				std::string log;
				int fd = k.load(p, &log);
				our_verdict v = verify(p);
				ASSERT_GE(fd, 0) << call.name << "\n" << log;
				close(fd);
				ASSERT_TRUE(v.accepted) << call.name << ": " << v.text;
				batch.add(p);
				if (batch.size() < 36)
					continue;
				EXPECT_TRUE(batch.compare(&text)) << call.name << " " << d << "\n" << text;
			}
	EXPECT_TRUE(batch.compare(&text)) << text;
	EXPECT_EQ(batch.compared, n);
}
