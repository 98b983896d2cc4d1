// SPDX-License-Identifier: MIT
// The relocated program is what libbpf would hand to the kernel, for every -mcpu.
#include <gtest/gtest.h>

#include <unistd.h>

#include "oracle.h"

struct Cpu : testing::TestWithParam<const char *> {
	std::string flags() const { return std::string("-mcpu=") + GetParam(); }
};
INSTANTIATE_TEST_SUITE_P(Each, Cpu, testing::Values("v1", "v2", "v3", "v4"),
			 [](const auto &i) { return std::string(i.param); });

TEST_P(Cpu, Maps)
{
	NEED_CLANG();
	std::string o = compile_bpf("maps", flags());
	Relocated r(o);
	EXPECT_SAME_AS_LIBBPF(r, o);
}

TEST_P(Cpu, Kconfig)
{
	NEED_CLANG();
	std::string o = compile_bpf("kconfig", flags());
	Relocated r(o);
	EXPECT_SAME_AS_LIBBPF(r, o);
}

TEST_P(Cpu, Values)
{
	NEED_CLANG();
	std::string o = compile_bpf("values", flags());
	Relocated r(o);
	EXPECT_SAME_AS_LIBBPF(r, o);
}

TEST_P(Cpu, CoreAgainstAnotherKernel)
{
	NEED_CLANG();
	std::string o = compile_bpf("core", flags()), target = compile_bpf("core_target");
	struct relocate_opts opts = {};
	opts.btf_path = target.c_str();
	Relocated r(o, &opts);
	EXPECT_SAME_AS_LIBBPF(r, o, target.c_str());
}

TEST_P(Cpu, CoreAgainstThisKernel)
{
	NEED_CLANG();
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		GTEST_SKIP() << "this kernel has no BTF";
	std::string o = compile_bpf("core_kernel", flags());
	Relocated r(o);
	EXPECT_SAME_AS_LIBBPF(r, o);
}

TEST_P(Cpu, StaticallyLinkedObjects)
{
	NEED_CLANG();
	if (system("bpftool version >/dev/null 2>&1"))
		GTEST_SKIP() << "bpftool is not installed";
	std::string a = compile_bpf("linked_a", flags()), b = compile_bpf("linked_b", flags());
	std::string o = a + ".linked.o";
	ASSERT_EQ(system(("bpftool gen object " + o + " " + a + " " + b).c_str()), 0);
	Relocated r(o);
	EXPECT_SAME_AS_LIBBPF(r, o);
	ASSERT_EQ(r.u->n_prog, 2u);
}

TEST_P(Cpu, WithoutDebugInformation)
{
	NEED_CLANG();
	std::string o = compile_text(
		"#include \"vmlinux.h\"\n#include <bpf/bpf_helpers.h>\n"
		"int data = 3; static int zero; const volatile int ro = 4;\n"
		"static __noinline int sub(int x) { return x + data; }\n"
		"SEC(\"uprobe\") int f(void *c) { zero++; return sub(zero) + ro; }\n"
		"char LICENSE[] SEC(\"license\") = \"GPL\";\n",
		flags() + " -g0");
	Relocated r(o);
	EXPECT_SAME_AS_LIBBPF(r, o);
	EXPECT_EQ(r.u->btf, nullptr);
	EXPECT_EQ(r.prog("f")->n_func, 2u);
}

TEST_P(Cpu, Subprograms)
{
	NEED_CLANG();
	std::string o = compile_bpf("subprogs", flags());
	Relocated r(o);
	EXPECT_SAME_AS_LIBBPF(r, o);
}
