// SPDX-License-Identifier: MIT
// An access that the target does not have is fine in dead code, and an error in code
// that can be reached; so is a kernel function.
#include <gtest/gtest.h>

#include "compile.h"
#include "verify.h"

static std::string verdict(const std::string &body)
{
	std::string o = compile_text(
		"#include \"vmlinux.h\"\n#include <bpf/bpf_helpers.h>\n#include "
		"<bpf/bpf_core_read.h>\n"
		"struct gone { int x; } __attribute__((preserve_access_index));\n"
		"extern void some_kfunc(void) __ksym __weak;\n"
		"const volatile bool never = false; volatile u64 out;\n"
		"SEC(\"uprobe\") int f(struct pt_regs *ctx) { struct gone *g = (void *)ctx; " +
		body + " return 0; }\nchar LICENSE[] SEC(\"license\") = \"GPL\";\n");
	struct relocate_opts opts = {};
	opts.btf_path = "";
	Relocated r(o, &opts);
	if (r.err)
		return r.text;
	struct arena *a = arena_new();
	struct vfy_opts vo = {};
	struct vfy_result res = {};
	struct diags dg = {};
	int err = vfy_verify(a, r.u, &r.u->prog[0], &vo, &res, &dg);
	arena_free(a);
	return err ? std::string(diag_name(dg.first)) + " " + dg.first_text : "accepted";
}

TEST(Poison, IsFineWhereAConstantPrunesIt)
{
	NEED_CLANG();
	EXPECT_EQ(verdict("if (never) out = g->x;"), "accepted");
	EXPECT_EQ(verdict("if (bpf_core_field_exists(g->x)) out = g->x;"), "accepted");
	EXPECT_EQ(verdict("if (some_kfunc) some_kfunc();"), "accepted");
}

TEST(Poison, IsAnErrorWhereItCanBeReached)
{
	NEED_CLANG();
	EXPECT_EQ(verdict("if (out) out = g->x;"),
		  "V035 byte_off of struct gone.x: not in the target's BTF");
	EXPECT_EQ(verdict("if (out) some_kfunc();"), "V035 'some_kfunc' is a kernel function");
}
