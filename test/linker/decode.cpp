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

struct Body : code_body {
	code_step buf[CODE_BODY_MAX];
	bool ok;
};

static Body body(std::vector<uint8_t> b, bool outcome = false)
{
	static Body r;

	r.ok = lnk_cpu_x86_64.body(b.data(), b.size(), outcome, r.buf, &r);
	return r;
}

TEST(Decode, WhatCanStandElsewhere)
{
	EXPECT_TRUE(body({0xc3}).simple);
	Body b = body({0x48, 0xff, 0x05, 0, 0, 0, 0, 0x90, 0xc3});	// incq x(%rip); nop; ret
	ASSERT_TRUE(b.ok);
	EXPECT_TRUE(b.simple);
	EXPECT_EQ(b.bytes, 8u);
	EXPECT_TRUE(b.buf[0].distance);
	EXPECT_EQ(b.buf[1].kind, CODE_NOTHING);
	EXPECT_EQ(b.buf[2].kind, CODE_EXIT);
	EXPECT_FALSE(body({0xeb, 0, 0xc3}).ok);		// a jump elsewhere: it waits for a relocation
	EXPECT_FALSE(body({0x74, 0, 0xc3}).ok);
	EXPECT_FALSE(body({0xe3, 0, 0xc3}).ok);		// jrcxz
	EXPECT_FALSE(body({0xff, 0xe0}).ok);		// jmp *%rax
	EXPECT_FALSE(body({0xff, 0xd0, 0xc3}, true).ok);	// call *%rax
	EXPECT_FALSE(body({0xcc, 0xc3}).ok);
	EXPECT_FALSE(body({0x0f, 0x05, 0xc3}).ok);	// syscall
	EXPECT_FALSE(body({0xc2, 8, 0}).ok);		// ret $8
	EXPECT_FALSE(body({0x90, 0x48}).ok);		// the end is missing
	EXPECT_FALSE(body({0x90}).ok);
	EXPECT_FALSE(body({0xc3, 0x90, 0x0f, 0x1f, 0x00, 0x31, 0xc0}).ok);	// it runs on behind the last exit
	std::vector<uint8_t> longest(CODE_SIMPLE_MAX, 0x90);
	longest.push_back(0xc3);
	EXPECT_TRUE(body(longest).simple);
	longest.insert(longest.begin(), 0x90);
	EXPECT_TRUE(body(longest).ok);
	EXPECT_FALSE(body(longest).simple);
	longest.insert(longest.begin(), CODE_BODY_MAX, 0x90);
	EXPECT_FALSE(body(longest).ok);
}

TEST(Decode, WhatABodySavesAndChanges)
{
	EXPECT_FALSE(body({0x31, 0xc0, 0xc3}).ok);	// xor %eax, %eax: not saved
	EXPECT_TRUE(body({0x31, 0xc0, 0xc3}, true).ok);	// it is the result
	EXPECT_TRUE(body({0x45, 0x31, 0xdb, 0xc3}).ok);	// r11 is nobody's
	// push %r10; push %rax; sub $16, %rsp; mov %rax, 8(%rsp); add $16, %rsp; pop %rax; pop %r10; ret
	Body b = body({0x41, 0x52, 0x50, 0x48, 0x83, 0xec, 0x10, 0x48, 0x89, 0x44, 0x24, 0x08, 0x48, 0x83, 0xc4, 0x10,
		       0x58, 0x41, 0x5a, 0xc3});
	ASSERT_TRUE(b.ok);
	EXPECT_EQ(b.saves, 1u << 10 | 1u << 0);
	EXPECT_EQ(b.room_bytes, 16u);
	EXPECT_EQ(b.n, 2u);
	EXPECT_EQ(b.bytes, 5u);
	EXPECT_FALSE(b.simple);
	// what it pushed is looked at: mov 16(%rsp), %rax
	EXPECT_FALSE(body({0x50, 0x48, 0x83, 0xec, 0x10, 0x48, 0x8b, 0x44, 0x24, 0x10, 0x48, 0x83, 0xc4, 0x10, 0x58, 0xc3}).ok);
	// a push that no pop answers is room: push %rcx; push %rax; mov (%rsp), %ecx; add $8, %rsp; pop %rcx; ret
	b = body({0x51, 0x50, 0x8b, 0x0c, 0x24, 0x48, 0x83, 0xc4, 0x08, 0x59, 0xc3});
	ASSERT_TRUE(b.ok);
	EXPECT_EQ(b.saves, 1u << 1);
	EXPECT_EQ(b.room_bytes, 8u);
	EXPECT_FALSE(body({0x50, 0x51, 0x58, 0x59, 0xc3}).ok);	// popped in the wrong order
	EXPECT_FALSE(body({0x50, 0x90, 0xc3}).ok);		// not popped
	EXPECT_FALSE(body({0x50, 0x48, 0x83, 0xec, 0x08, 0x58, 0xc3}).ok);	// room that stays
	EXPECT_FALSE(body({0x55, 0x48, 0x89, 0xe5, 0x48, 0x8d, 0x65, 0x00, 0x5d, 0xc3}).ok);	// rsp by rbp
	EXPECT_FALSE(body({0x90, 0x50, 0x58, 0xc3}).ok);	// pushed later
}

TEST(Decode, WaysOfABody)
{
	// 0 push %rax; 1 jne 5; 3 pop %rax; 4 ret; 5 call; 10 pop %rax; 11 ret
	Body b = body({0x50, 0x75, 0x02, 0x58, 0xc3, 0xe8, 0, 0, 0, 0, 0x58, 0xc3});
	ASSERT_TRUE(b.ok);
	EXPECT_EQ(b.n, 4u);
	EXPECT_EQ(b.n_likely, 1u);
	EXPECT_EQ(b.step[0].kind, CODE_BRANCH);
	EXPECT_EQ(b.step[0].cc, 5u);
	EXPECT_EQ(b.step[0].to, 2u);
	EXPECT_TRUE(b.calls);
	EXPECT_FALSE(b.simple);
	// back: 5 call; 10 jmp 3
	b = body({0x50, 0x75, 0x02, 0x58, 0xc3, 0xe8, 0, 0, 0, 0, 0xeb, 0xf7});
	ASSERT_TRUE(b.ok);
	EXPECT_EQ(b.step[3].cc, (unsigned)CODE_ALWAYS);
	EXPECT_EQ(b.step[3].to, 1u);
	EXPECT_FALSE(body({0x50, 0x75, 0x01, 0x58, 0xc3, 0xe8, 0, 0, 0, 0, 0xeb, 0xf7}).ok);	// into an exit
	EXPECT_FALSE(body({0x50, 0x75, 0xfd, 0x58, 0xc3}).ok);	// to the push
	EXPECT_FALSE(body({0x50, 0x75, 0x22, 0x58, 0xc3}).ok);	// out of it
	EXPECT_FALSE(body({0x50, 0xe8, 0, 0, 0, 0, 0xc3}).ok);
	EXPECT_FALSE(body({0xe8, 0, 0, 0, 0, 0xc3}).ok);	// a call changes rax
}
