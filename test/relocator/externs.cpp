// SPDX-License-Identifier: MIT
// What comes from outside the object: configuration, kernel symbols, kernel functions.
#include <gtest/gtest.h>

#include <fstream>
#include <sys/utsname.h>
#include <unistd.h>

#include "compile.h"
#include "objfmt.h"

static std::string with_extern(const std::string &decl, const std::string &use)
{
	return compile_text("#include \"vmlinux.h\"\n#include <bpf/bpf_helpers.h>\n" + decl +
			    "\nSEC(\"uprobe\") int f(void *ctx) { " + use +
			    " return 0; }\n"
			    "char LICENSE[] SEC(\"license\") = \"GPL\";\n");
}

struct ConfigFile {
	std::string path;
	explicit ConfigFile(const std::string &text)
	{
		char t[] = "/tmp/bpftime-kconfig-XXXXXX";
		close(mkstemp(t));
		path = t;
		std::ofstream(path) << text;
	}
	~ConfigFile() { unlink(path.c_str()); }
};

static uint64_t config_value(const std::string &type, const std::string &line,
			     std::string *text = nullptr)
{
	ConfigFile c("# comment\nCONFIG_X_Y=y\n" + line + "\n");
	struct relocate_opts o = {};
	o.kconfig_path = c.path.c_str();
	Relocated r(
		with_extern("extern " + type + " CONFIG_X __kconfig;", "return (long)CONFIG_X;"),
		&o);
	if (text)
		*text = r.text;
	return r.err ? ~0ull : r.data(".kconfig", 0, r.map(".kconfig")->init.n);
}

TEST(Kconfig, ReadsValuesByType)
{
	NEED_CLANG();
	EXPECT_EQ(config_value("bool", "CONFIG_X=y"), 1u);
	EXPECT_EQ(config_value("bool", "CONFIG_X=n"), 0u);
	EXPECT_EQ(config_value("char", "CONFIG_X=m"), (uint64_t)'m');
	EXPECT_EQ(config_value("enum libbpf_tristate", "CONFIG_X=m"), 2u);
	EXPECT_EQ(config_value("int", "CONFIG_X=0x10"), 16u);
	EXPECT_EQ(config_value("s8", "CONFIG_X=-128") & 0xff, 0x80u);
	EXPECT_EQ(config_value("u64", "CONFIG_X=18446744073709551614"), 18446744073709551614u);
}

TEST(Kconfig, RefusesValuesOfAnotherType)
{
	NEED_CLANG();
	for (auto &c : { std::pair<const char *, const char *>{ "bool", "CONFIG_X=m" },
			 { "int", "CONFIG_X=y" },
			 { "u8", "CONFIG_X=256" },
			 { "s8", "CONFIG_X=128" },
			 { "int", "CONFIG_X=\"s\"" },
			 { "int", "CONFIG_X=12z" },
			 { "int", "CONFIG_X=" },
			 { "int", "" } }) {
		std::string text;
		EXPECT_EQ(config_value(c.first, c.second, &text), ~0ull)
			<< c.first << " " << c.second;
		EXPECT_NE(text.find("error[R008]"), std::string::npos) << text;
	}
}

TEST(Kconfig, StringsAreCopiedAndCut)
{
	NEED_CLANG();
	ConfigFile c("CONFIG_S=\"hello\"\nCONFIG_L=\"much too long\"\n");
	struct relocate_opts o = {};
	o.kconfig_path = c.path.c_str();
	Relocated r(
		with_extern("extern char CONFIG_S[8] __kconfig; extern char CONFIG_L[5] __kconfig;",
			    "return CONFIG_S[0] + CONFIG_L[0];"),
		&o);
	ASSERT_EQ(r.err, 0) << r.text;
	const struct unit_map *m = r.map(".kconfig");
	EXPECT_EQ(m->bits, (uint32_t)MAP_BIT_RODATA);
	EXPECT_EQ(std::string((const char *)m->init.p, m->init.n),
		  std::string("much\0hello\0\0\0", 13));
}

TEST(Kconfig, KernelVersionIsTheRunningOne)
{
	NEED_CLANG();
	Relocated r(with_extern("extern int LINUX_KERNEL_VERSION __kconfig;",
				"return LINUX_KERNEL_VERSION;"));
	struct utsname u;
	unsigned a = 0, b = 0;
	ASSERT_EQ(r.err, 0) << r.text;
	uname(&u);
	ASSERT_EQ(sscanf(u.release, "%u.%u", &a, &b), 2);
	EXPECT_EQ(r.data(".kconfig", 0, 4) >> 8, a << 8 | b);
}

/* Not compared with libbpf: without kprobes in the kernel it cannot tell, and says 0. */
TEST(Kconfig, SystemCallsAreWrapped)
{
	NEED_CLANG();
	Relocated r(with_extern("extern bool LINUX_HAS_SYSCALL_WRAPPER __kconfig;",
				"return LINUX_HAS_SYSCALL_WRAPPER;"));
	ASSERT_EQ(r.err, 0) << r.text;
	EXPECT_EQ(r.data(".kconfig", 0, 1), 1u);
}

TEST(Kconfig, MissingFileIsAnError)
{
	NEED_CLANG();
	struct relocate_opts o = {};
	o.kconfig_path = "/no/such/config";
	Relocated r(with_extern("extern int CONFIG_X __kconfig __weak;", "return CONFIG_X;"), &o);
	EXPECT_EQ(r.err, -DIAG_E001);
}

TEST(Externs, StrongOnesAreRefusedByName)
{
	NEED_CLANG();
	for (auto &c :
	     { std::pair<const char *, const char *>{ "extern const void jiffies_or_so __ksym;",
						      "return (long)&jiffies_or_so;" },
	       { "extern int CONFIG_NO_SUCH_THING __kconfig;", "return CONFIG_NO_SUCH_THING;" },
	       { "extern int LINUX_NO_SUCH_THING __kconfig;", "return LINUX_NO_SUCH_THING;" },
	       { "extern int plain_extern;", "return plain_extern;" },
	       { "extern int plain_function(int);", "return plain_function(1);" } }) {
		Relocated r(with_extern(c.first, c.second));
		EXPECT_EQ(r.err, -DIAG_R008) << c.first << r.text;
	}
}

TEST(Externs, FunctionsOfTheBinaryHavePrototypes)
{
	NEED_CLANG();
	const std::string in = " __attribute__((section(\".ufuncs\")));";
	Relocated r(with_extern(("extern short one(signed char a, void *b, unsigned c)" + in + "extern void two(void)" + in).c_str(),
				"two(); return one(1, 0, 2) + one(1, 0, 3);"));
	ASSERT_EQ(r.err, 0) << r.text;
	ASSERT_EQ(r.u->n_ext, 2u);
	for (size_t i = 0; i < 2; i++) {
		const struct unit_extern *e = &r.u->ext[i];
		bool one = e->proto.name == std::string("one");
		const uint8_t width[6] = {2 | EXTERN_SIGNED, 1 | EXTERN_SIGNED, 8, 4, 0, 0}, none[6] = {};
		EXPECT_TRUE(e->host);
		EXPECT_EQ(memcmp(e->width, one ? width : none, 6), 0) << e->proto.name;
		EXPECT_EQ(e->proto.ret, one ? RET_INT : RET_VOID);
	}
	for (auto &c : {std::pair<const char *, const char *>{"struct s { long a; }; extern int g(struct s x)", "struct s x = {}; return g(x);"},
			{"extern int g(int, ...)", "return g(1);"},
			{"extern __weak int g(void)", "return g();"},
			{"extern int g(void)", "return (long)&g;"}}) {
		Relocated bad(with_extern((c.first + in).c_str(), c.second));
		EXPECT_EQ(bad.err, -DIAG_R008) << c.first << bad.text;
	}
}

TEST(Externs, OneHalfOfALinkedObjectSaysWhatIsMissing)
{
	NEED_CLANG();
	for (auto &c : { std::pair<const char *, const char *>{ "linked_a", "other_half" },
			 { "linked_b", "common" } }) {
		Relocated r(compile_bpf(c.first));
		EXPECT_EQ(r.err, -DIAG_R008);
		EXPECT_NE(r.text.find(c.second), std::string::npos) << r.text;
		EXPECT_NE(r.text.find("bpftool gen object"), std::string::npos) << r.text;
	}
}

TEST(Externs, KernelFunctionsAreListed)
{
	NEED_CLANG();
	Relocated r(with_extern(
		"extern void bpf_rcu_read_lock(void) __ksym; extern void bpf_rcu_read_unlock(void) "
		"__ksym;"
		"extern void bpf_rcu_read_lock___flavour(void) __ksym;",
		"bpf_rcu_read_lock(); bpf_rcu_read_lock___flavour(); bpf_rcu_read_unlock();"));
	ASSERT_EQ(r.err, 0) << r.text;
	ASSERT_EQ(r.u->n_kfunc, 2u);
	std::string called;
	const struct unit_prog *p = r.prog("f");
	for (uint32_t i = 0; i < p->n_insn; i++)
		if (p->insn[i].code == BPFI_JMP_CALL && p->insn[i].src == BPFI_CALL_KFUNC)
			called += std::string(r.u->kfunc[p->insn[i].imm]) + " ";
	EXPECT_EQ(called, "bpf_rcu_read_lock bpf_rcu_read_lock bpf_rcu_read_unlock ");
}

TEST(Externs, WeakKernelFunctionIsAbsentAndItsCallPoisoned)
{
	NEED_CLANG();
	Relocated r(with_extern("extern void bpf_some_kfunc(int) __ksym __weak;",
				"if (bpf_some_kfunc) bpf_some_kfunc(1);"));
	ASSERT_EQ(r.err, 0) << r.text;
	const struct unit_prog *p = r.prog("f");
	bool zero = false, poison = false;
	for (uint32_t i = 0; i < p->n_insn; i++) {
		zero |= p->insn[i].code == BPFI_LD_IMM64 && !p->insn[i].src && !p->insn[i].imm;
		if (p->insn[i].code == BPFI_JMP_CALL && p->insn[i].imm == BPFI_POISON_HELPER) {
			poison = true;
			ASSERT_TRUE(unit_note_at(p, i));
			EXPECT_NE(std::string(unit_note_at(p, i)).find("bpf_some_kfunc"),
				  std::string::npos);
		}
	}
	EXPECT_TRUE(zero);
	EXPECT_TRUE(poison);
	EXPECT_EQ(r.u->n_kfunc, 0u);
}
