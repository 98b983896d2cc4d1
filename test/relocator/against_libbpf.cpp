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

TEST_P(Cpu, Subprograms)
{
	NEED_CLANG();
	std::string o = compile_bpf("subprogs", flags());
	Relocated r(o);
	EXPECT_SAME_AS_LIBBPF(r, o);
}
