// SPDX-License-Identifier: MIT
// Specialised entries take the fields that their row says, in the order that it says, and keep
// every general register.
#include "made.h"

#include "hooks.h"
#include "load.h"
#include "rt_archive.h"

static std::string program(const std::string &body)
{
	return compile_text(std::string(bpf_head) +
			    "struct out { __u64 v[8]; };\nMAP(out, ARRAY, __u32, struct out, 1)\n"
			    "SEC(\"uprobe\") int f(struct pt_regs *ctx)\n{\n"
			    "	__u32 zero = 0;\n"
			    "	struct out *o = bpf_map_lookup_elem(&out, &zero);\n"
			    "	if (!o)\n		return 0;\n" + body + "	return 0;\n}\n");
}

struct Loaded {
	Made m;
	lnk_loaded p = {};
	uint64_t entry = 0;
	objfmt_hook row = {};
	uint64_t *out = nullptr;

	explicit Loaded(const std::string &path) : m(path)
	{
		if (m.err)
			return;
		struct lnk *l = lnk_new(m.a, rt_archive());
		EXPECT_EQ(lnk_add_object(l, "x.hook.o", m.obj, false, &m.dg), 0);
		EXPECT_EQ(lnk_load_here(l, PAYLOAD_PRIVATE, &p, &m.dg), 0);
		entry = lnk_entry_vaddr(l, 0);
		row = *lnk_hook(l, 0)->row;
		const bpftime_map *map = lnk_loaded_map(&p, "out");
		out = BPFTIME_REL(uint64_t, map->room_rel);
	}
	~Loaded() { lnk_unload(&p); }
};

/* Calls the entry with the six argument registers given, all others with known values, and
 * says which changed: bit i for the i-th of rax rbx rcx rdx rsi rdi rbp r8 r9 r10 r12..r15. */
struct regs {
	uint64_t in[6];		/* di si dx cx r8 r9 */
	uint64_t changed;
};

extern "C" void call_entry(uint64_t entry, struct regs *r);
__asm__(R"(
	.text
	.globl call_entry
call_entry:
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	push %rsi
	push %rdi
	mov %rsi, %rax
	mov 0(%rax), %rdi
	mov 8(%rax), %rsi
	mov 16(%rax), %rdx
	mov 24(%rax), %rcx
	mov 32(%rax), %r8
	mov 40(%rax), %r9
	mov $0x1001, %rax
	mov $0x1002, %rbx
	mov $0x1003, %rbp
	mov $0x1010, %r10
	mov $0x1012, %r12
	mov $0x1013, %r13
	mov $0x1014, %r14
	mov $0x1015, %r15
	sub $8, %rsp
	call *8(%rsp)
	add $8, %rsp
	mov 8(%rsp), %r11
	movq $0, 48(%r11)
.macro check reg, want, bit
	cmp \want, \reg
	je 1f
	orq $\bit, 48(%r11)
1:
.endm
	check %rax, $0x1001, 1
	check %rbx, $0x1002, 2
	check %rcx, 24(%r11), 4
	check %rdx, 16(%r11), 8
	check %rsi, 8(%r11), 16
	check %rdi, 0(%r11), 32
	check %rbp, $0x1003, 64
	check %r8, 32(%r11), 128
	check %r9, 40(%r11), 256
	check %r10, $0x1010, 512
	check %r12, $0x1012, 1024
	check %r13, $0x1013, 2048
	check %r14, $0x1014, 4096
	check %r15, $0x1015, 8192
	pop %rdi
	pop %rsi
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	ret
)");

TEST(Entry, NaturalTakesArgumentRegisters)
{
	NEED_CLANG();
	Loaded t(program("	o->v[0] = ctx->di;\n	o->v[1] = ctx->r9;\n	o->v[2] = (__u32)ctx->cx;\n"));
	ASSERT_EQ(t.m.err, 0);
	EXPECT_EQ(t.row.form, ENTRY_NATURAL);
	EXPECT_EQ(t.row.ctx_mask, 1u << CTX_DI | 1u << CTX_R9 | 1u << CTX_CX);
	struct regs r = { { 1, 2, 3, 0xaaaaaaaa00000004, 5, 6 }, 99 };
	call_entry(t.entry, &r);
	EXPECT_EQ(t.out[0], 1u);
	EXPECT_EQ(t.out[1], 6u);
	EXPECT_EQ(t.out[2], 4u);
	EXPECT_EQ(r.changed, 0u);
}

TEST(Entry, PackedTakesFieldsInAscendingOrder)
{
	NEED_CLANG();
	Loaded t(program("	o->v[0] = ctx->sp;\n	o->v[1] = ctx->ax;\n	o->v[2] = ctx->di;\n"
			 "	o->v[3] = ctx->ip;\n"));
	ASSERT_EQ(t.m.err, 0);
	EXPECT_EQ(t.row.form, ENTRY_PACKED);
	EXPECT_EQ(t.row.ctx_mask, 1u << CTX_SP | 1u << CTX_AX | 1u << CTX_DI | 1u << CTX_IP);
	struct regs r = { { 0x11, 0x22, 0x33, 0x44, 0x55, 0x66 }, 99 };
	call_entry(t.entry, &r);
	EXPECT_EQ(t.out[1], 0x11u);	/* ax is field 10, di 14, ip 16, sp 19 */
	EXPECT_EQ(t.out[2], 0x22u);
	EXPECT_EQ(t.out[3], 0x33u);
	EXPECT_EQ(t.out[0], 0x44u);
	EXPECT_EQ(r.changed, 0u);
}

TEST(Entry, FrameWhenFieldsAreMany)
{
	NEED_CLANG();
	Loaded t(program("	o->v[0] = ctx->r15;\n	o->v[1] = ctx->r14;\n	o->v[2] = ctx->r13;\n"
			 "	o->v[3] = ctx->r12;\n	o->v[4] = ctx->bp;\n	o->v[5] = ctx->bx;\n"
			 "	o->v[6] = ctx->r11;\n	o->v[7] = ctx->ss;\n"));
	ASSERT_EQ(t.m.err, 0);
	EXPECT_EQ(t.row.form, ENTRY_FRAME);
	uint64_t frame[CTX_FIELDS];
	for (int i = 0; i < CTX_FIELDS; i++)
		frame[i] = 1000 + (uint64_t)i;
	struct regs r = { { (uint64_t)frame, 2, 3, 4, 5, 6 }, 99 };
	call_entry(t.entry, &r);
	for (int i = 0; i < 7; i++)
		EXPECT_EQ(t.out[i], 1000u + (uint64_t)i);
	EXPECT_EQ(t.out[7], 1000u + CTX_SS);
	EXPECT_EQ(r.changed, 0u);
}

// Who gets the context's address may read any register of it, but not what only helpers read.
TEST(Entry, AContextThatLeavesHasItsRegisters)
{
	NEED_CLANG();
	const uint32_t regs = (1u << CTX_REGS_BYTES / 8) - 1;
	Loaded t(program("	o->v[0] = (__u64)ctx;\n"));
	ASSERT_EQ(t.m.err, 0);
	EXPECT_EQ(t.row.form, ENTRY_FRAME);
	EXPECT_EQ(t.row.ctx_mask, regs);
	Loaded c(program("	o->v[0] = (__u64)ctx;\n	o->v[1] = bpf_get_attach_cookie(ctx);\n"));
	ASSERT_EQ(c.m.err, 0);
	EXPECT_EQ(c.row.ctx_mask, regs | 1u << CTX_COOKIE);
}

TEST(Entry, CookieAndFunctionAddressAreFields)
{
	NEED_CLANG();
	Loaded t(program("	o->v[0] = bpf_get_attach_cookie(ctx);\n"
			 "	o->v[1] = bpf_get_func_ip(ctx);\n	o->v[2] = ctx->si;\n"));
	ASSERT_EQ(t.m.err, 0);
	EXPECT_EQ(t.row.form, ENTRY_PACKED);
	EXPECT_EQ(t.row.ctx_mask, 1u << CTX_SI | 1u << CTX_COOKIE | 1u << CTX_FUNC_IP);
	struct regs r = { { 7, 8, 9, 0, 0, 0 }, 99 };
	call_entry(t.entry, &r);
	EXPECT_EQ(t.out[2], 7u);
	EXPECT_EQ(t.out[0], 8u);
	EXPECT_EQ(t.out[1], 9u);
	EXPECT_EQ(r.changed, 0u);
}

/* The runtime's cold paths keep registers too, so a hook that calls one saves none. */
TEST(Entry, CallsOfTheRuntimeKeepRegisters)
{
	NEED_CLANG();
	Loaded t(program("	o->v[0] = bpf_ktime_get_ns();\n	o->v[1] = ctx->di;\n"));
	ASSERT_EQ(t.m.err, 0);
	struct regs r = { { 1, 2, 3, 4, 5, 6 }, 99 };
	call_entry(t.entry, &r);
	EXPECT_GT(t.out[0], 0u);
	EXPECT_EQ(t.out[1], 1u);
	EXPECT_EQ(r.changed, 0u);
	for (const std::string &insn : t.m.code("hook.f"))
		EXPECT_EQ(insn.find("%r12"), std::string::npos) << insn;
}
