// SPDX-License-Identifier: MIT
// What an instruction touches decides whether a payload may hold it.
#include <gtest/gtest.h>

#include <vector>

#include "cpu.h"
#include "decode_x86_64.h"

static dec_insn dec(std::vector<uint8_t> b)
{
	dec_insn d;
	EXPECT_TRUE(dec_x86_64(b.data(), b.size(), 0x1000, &d));
	EXPECT_EQ(d.len, b.size());
	return d;
}

TEST(Decode, KindsOfState)
{
	EXPECT_EQ(dec({0x66, 0x0f, 0xef, 0xc0}).bits, (uint32_t)DEC_VECTOR);  // pxor %xmm0,%xmm0
	EXPECT_TRUE(dec({0xc5, 0xf8, 0x77}).bits & DEC_VECTOR);  // vzeroupper
	EXPECT_TRUE(dec({0xd9, 0xee}).bits & DEC_X87);  // fldz
	EXPECT_TRUE(dec({0x0f, 0x6f, 0xc1}).bits & DEC_X87);  // movq %mm1,%mm0
	EXPECT_TRUE(dec({0xf0, 0x48, 0xff, 0x00}).bits & DEC_ATOMIC);  // lock incq (%rax)
	EXPECT_TRUE(dec({0x48, 0x87, 0x00}).bits & DEC_ATOMIC);  // xchg %rax,(%rax)
	EXPECT_FALSE(dec({0x48, 0x93}).bits & DEC_ATOMIC);  // xchg %rax,%rbx
	EXPECT_EQ(dec({0x0f, 0x1f, 0x40, 0x00}).bits, (uint32_t)DEC_NOP);  // nopl (%rax)
	EXPECT_EQ(dec({0xf3, 0x0f, 0x1e, 0xfa}).bits, (uint32_t)DEC_NOP);  // endbr64
	EXPECT_TRUE(dec({0x0f, 0x05}).bits & DEC_SYSCALL);
	EXPECT_TRUE(dec({0xcc}).bits & DEC_TRAP);
	EXPECT_TRUE(dec({0x0f, 0x0b}).bits & DEC_TRAP);
	EXPECT_TRUE(dec({0x0f, 0x30}).bits & DEC_PRIVILEGED);  // wrmsr
	EXPECT_TRUE(dec({0xec}).bits & DEC_PRIVILEGED);  // in (%dx),%al
	EXPECT_EQ(dec({0x41, 0x57}).bits, (uint32_t)DEC_PUSH);  // push %r15
}

TEST(Decode, ThreadBlock)
{
	dec_insn d = dec({0x64, 0x48, 0x8b, 0x04, 0x25, 0x28, 0, 0, 0});  // mov %fs:0x28,%rax
	EXPECT_TRUE(d.bits & DEC_FS_READ);
	EXPECT_TRUE(d.fs_const);
	EXPECT_EQ(d.fs_disp, 0x28);
	d = dec({0x64, 0x8b, 0x01});  // mov %fs:(%rcx),%eax
	EXPECT_TRUE(d.bits & DEC_FS_READ);
	EXPECT_FALSE(d.fs_const);
	EXPECT_TRUE(dec({0x64, 0x89, 0x01}).bits & DEC_FS_WRITE);  // mov %eax,%fs:(%rcx)
	EXPECT_TRUE(dec({0xf3, 0x48, 0x0f, 0xae, 0xd0}).bits & DEC_FS_WRITE);  // wrfsbase %rax
	EXPECT_TRUE(dec({0x65, 0x8b, 0x01}).bits & DEC_GS);
}

TEST(Decode, WhereItGoes)
{
	dec_insn d = dec({0xe8, 0x10, 0, 0, 0});
	EXPECT_TRUE(d.bits & DEC_CALL);
	ASSERT_TRUE(d.has_target);
	EXPECT_EQ(d.target_vaddr, 0x1015u);
	d = dec({0x74, 0xfe});
	EXPECT_TRUE(d.bits & DEC_COND);
	EXPECT_EQ(d.target_vaddr, 0x1000u);
	d = dec({0x48, 0x8d, 0x05, 0xf9, 0xff, 0xff, 0xff});  // lea -7(%rip),%rax
	EXPECT_TRUE(d.has_mem);
	EXPECT_EQ(d.mem_vaddr, 0x1000u);
	EXPECT_EQ(d.regs_written, 1u);
	d = dec({0x01, 0xcb});  // add %ecx,%ebx
	EXPECT_EQ(d.regs_written, 1u << 3);
	EXPECT_EQ(d.regs_read, 1u << 3 | 1u << 1);
}

TEST(Decode, RefusesWhatIsNotAnInstruction)
{
	dec_insn d;
	uint8_t none[] = {0x06}, cut[] = {0xe8, 0, 0};
	EXPECT_FALSE(dec_x86_64(none, sizeof(none), 0, &d));
	EXPECT_FALSE(dec_x86_64(cut, sizeof(cut), 0, &d));
	EXPECT_FALSE(dec_x86_64(cut, 0, 0, &d));
}

static code_cost cost(std::vector<uint8_t> b)
{
	return lnk_cpu_x86_64.cost(b.data(), b.size(), 0);
}

TEST(Decode, WhatCanStandElsewhere)
{
	EXPECT_TRUE(cost({0xc3}).movable);
	code_cost c = cost({0x48, 0xff, 0x05, 0, 0, 0, 0, 0x90, 0xc3, 0x50});	// incq x(%rip)
	EXPECT_TRUE(c.movable);
	EXPECT_EQ(c.moved_bytes, 8u);
	EXPECT_EQ(c.moved_rip, 1u);
	EXPECT_FALSE(cost({0x50, 0x58, 0xc3}).movable);	// push, pop
	EXPECT_FALSE(cost({0x48, 0x8b, 0x44, 0x24, 8, 0xc3}).movable);	// mov 8(%rsp),%rax
	EXPECT_FALSE(cost({0xe8, 0, 0, 0, 0, 0xc3}).movable);
	EXPECT_FALSE(cost({0x74, 0, 0xc3}).movable);
	EXPECT_FALSE(cost({0xeb, 0, 0xc3}).movable);
	EXPECT_FALSE(cost({0xcc, 0xc3}).movable);
	EXPECT_FALSE(cost({0xc2, 8, 0}).movable);	// ret $8
	EXPECT_FALSE(cost({0x90, 0x48}).movable);	// the end is missing
	std::vector<uint8_t> longest(CODE_MOVED_MAX, 0x90);
	longest.push_back(0xc3);
	EXPECT_TRUE(cost(longest).movable);
	longest.insert(longest.begin(), 0x90);
	EXPECT_FALSE(cost(longest).movable);
}
