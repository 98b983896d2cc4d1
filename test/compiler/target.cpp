// SPDX-License-Identifier: MIT
// Objects for other CPUs have the same tables; what they run on decides the entry's form.
#include "made.h"

#include <elf.h>

#include "../shell.h"
#include "hooks.h"
#include "payload.h"
#include "rt_archive.h"

static std::string object()
{
	return compile_text(std::string(bpf_head) +
			    "static __u64 n;\nSEC(\"uprobe\") int f(struct pt_regs *ctx)"
			    "{ __sync_fetch_and_add(&n, ctx->di); return 0; }\n");
}

static std::string hooks_of(const Made &m)
{
	std::string path = m.write();
	Output o = stdout_of(BPFTIME_BIN_DIR "/bpftime-aot dump --hooks --maps --asm --stamp " + path);
	EXPECT_EQ(o.status, 0);
	unlink(path.c_str());
	return o.text;
}

TEST(Target, Aarch64)
{
	NEED_CLANG();
	Made m(object(), true, "aarch64");
	ASSERT_EQ(m.err, 0);
	EXPECT_EQ(((const Elf64_Ehdr *)m.obj.p)->e_machine, EM_AARCH64);
	std::string s = hooks_of(m);
	EXPECT_NE(s.find("hook f: uprobe (uprobe), natural entry, ctx di"), std::string::npos) << s;
	EXPECT_NE(s.find("map .bss: array"), std::string::npos) << s;
	EXPECT_NE(s.find("aarch64-unknown-linux-gnu, generic"), std::string::npos) << s;
	EXPECT_NE(s.find("stxr"), std::string::npos) << s;
}

/* LLVM has no preserve_most there. */
TEST(Target, Riscv64)
{
	NEED_CLANG();
	Made m(object(), true, "riscv64");
	ASSERT_EQ(m.err, 0);
	EXPECT_EQ(((const Elf64_Ehdr *)m.obj.p)->e_machine, EM_RISCV);
	std::string s = hooks_of(m);
	EXPECT_NE(s.find("hook f: uprobe (uprobe), frame entry, ctx di"), std::string::npos) << s;
	EXPECT_NE(s.find("map .bss: array"), std::string::npos) << s;
	EXPECT_NE(s.find("amoadd.d"), std::string::npos) << s;
}

TEST(Target, UnknownIsRefused)
{
	NEED_CLANG();
	Made m(object());
	struct bytes b;
	m.dg.out = nullptr;
	m.opts.target = "vax";
	EXPECT_EQ(m.compile(&b), -DIAG_C006);
}

/* A named CPU is stamped, its vector registers stay untouched. */
TEST(Target, NamedCpu)
{
	NEED_CLANG();
	Made m(object());
	struct bytes b;
	m.opts.cpu = "skylake";
	ASSERT_EQ(m.compile(&b), 0);
	m.obj = b;
	EXPECT_STREQ(m.row<objfmt_stamp>(m.read(), ".bpftime.stamp").cpu, "skylake");
	struct lnk *l = lnk_new(m.a, rt_archive());
	EXPECT_EQ(lnk_add_object(l, "skylake", b, false, &m.dg), 0);
#ifdef __x86_64__
	m.opts.cpu = "native";
	ASSERT_EQ(m.compile(&b), 0);
	EXPECT_EQ(lnk_add_object(l, "native", b, false, &m.dg), 0);
#endif
	m.dg.out = nullptr;
	m.opts.cpu = "no-such-cpu";
	EXPECT_EQ(m.compile(&b), -DIAG_C006);
}
