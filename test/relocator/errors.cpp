// SPDX-License-Identifier: MIT
// Each refusal of the relocator: its code, where, and what it tells the user to do.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <elf.h>
#include <fstream>
#include <sstream>
#include <unistd.h>

#include "compile.h"

namespace {

const std::string head = "#include \"vmlinux.h\"\n#include <bpf/bpf_helpers.h>\n";
const std::string prog = "SEC(\"uprobe\") int f(void *ctx) { return 0; }\n";

/* Text before "error[", the code, and the rest of what was reported. */
std::string report(const std::string &path) { return Relocated(path).text; }
std::string of(const std::string &text, const std::string &flags = "-mcpu=v3")
{
	std::string o = compile_text(head + text, flags);
	return o.empty() ? "clang refuses" : report(o);
}

void expect(const std::string &got, const char *code, std::initializer_list<const char *> parts)
{
	EXPECT_NE(got.find(std::string("error[") + code + "]"), std::string::npos) << got;
	for (const char *p : parts)
		EXPECT_NE(got.find(p), std::string::npos) << "no '" << p << "' in: " << got;
}

/* A changed copy of an object. */
struct Edited {
	std::string bytes, path;
	explicit Edited(const std::string &from)
	{
		std::ifstream f(from, std::ios::binary);
		std::ostringstream s;
		s << f.rdbuf();
		bytes = s.str();
	}
	~Edited() { unlink(path.c_str()); }
	Elf64_Ehdr *ehdr() { return (Elf64_Ehdr *)&bytes[0]; }
	Elf64_Shdr *section(const char *name)
	{
		Elf64_Shdr *s = (Elf64_Shdr *)&bytes[ehdr()->e_shoff];
		const char *str = &bytes[s[ehdr()->e_shstrndx].sh_offset];
		for (unsigned i = 0; i < ehdr()->e_shnum; i++)
			if (!strcmp(str + s[i].sh_name, name))
				return &s[i];
		return nullptr;
	}
	std::string report()
	{
		char t[] = "/tmp/bpftime-edited-XXXXXX";
		close(mkstemp(t));
		path = t;
		std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
		return ::report(path);
	}
};

}

TEST(Errors, R001NotABpfObject)
{
	NEED_CLANG();
	expect(report("/bin/true"), "R001", { "/bin/true", "machine", "-target bpf" });
	expect(report(BPFTIME_TEST_DIR "/relocator/vmlinux.h"), "R001", { "not an ELF file" });
	expect(of(prog, "--target=bpfeb"), "R001", { "big-endian" });
	Edited e(compile_text(head + prog));
	e.section(".symtab")->sh_type = SHT_PROGBITS;
	expect(e.report(), "R001", { "no symbol table" });
}

TEST(Errors, R002MalformedElf)
{
	NEED_CLANG();
	Edited a(compile_text(head + prog));
	a.section("uprobe")->sh_size = 1 << 30;
	expect(a.report(), "R002", { "uprobe", "outside the file" });
	Edited b(compile_text(head + prog));
	b.ehdr()->e_shoff = 1 << 30;
	expect(b.report(), "R002", {});
	Edited c(compile_text(head + prog));
	Elf64_Shdr *t = c.section(".symtab");
	((Elf64_Sym *)&c.bytes[t->sh_offset])[1].st_shndx = 200;
	expect(c.report(), "R002", { "symbol 1" });
}

TEST(Errors, R003MalformedBtf)
{
	NEED_CLANG();
	Edited a(compile_text(head + prog));
	a.bytes[a.section(".BTF")->sh_offset] = 0;
	expect(a.report(), "R003", { ".BTF", "bad magic" });
	Edited b(compile_text(head + prog));
	b.bytes[b.section(".BTF.ext")->sh_offset + 2] = 9;
	expect(b.report(), "R003", { ".BTF.ext" });
}

TEST(Errors, R004UnknownKindOfProgram)
{
	NEED_CLANG();
	expect(of("SEC(\"fentry/do_exit\") int f(void *ctx) { return 0; }"), "R004",
	       { "f:", "fentry/do_exit" });
	expect(of("SEC(\"vm/12x\") int f(void *ctx) { return 0; }"), "R004", { "vm/N" });
	expect(of("SEC(\"vm/-1\") int f(void *ctx) { return 0; }"), "R004", { "vm/N" });
}

TEST(Errors, R005BadMapDefinition)
{
	NEED_CLANG();
	auto map = [](const std::string &fields) {
		return of("struct { " + fields +
			  " } m SEC(\".maps\");\n"
			  "SEC(\"uprobe\") int f(void *ctx) { u32 k = 0; return "
			  "!bpf_map_lookup_elem(&m, &k); }");
	};
	expect(map("__uint(max_entries, 1); __type(key, u32); __type(value, u32);"), "R005",
	       { "m:", "no type" });
	expect(map("__uint(type, 2); __uint(max_entrie, 1);"), "R005",
	       { "max_entrie", "unknown field" });
	expect(map("__uint(type, 2); __uint(key_size, 8); __type(key, u32);"), "R005",
	       { "key", "contradicts" });
	expect(map("__uint(type, 2); int key_size;"), "R005", { "key_size", "__uint()" });
	expect(map("__uint(type, 2); int key;"), "R005", { "__type()" });
	expect(map("__uint(type, 2); struct no_size *key;"), "R005", { "no size" });
	expect(map("__uint(type, 2); __uint(pinning, 7);"), "R005", { "LIBBPF_PIN_BY_NAME" });
	expect(map("__uint(type, 2); __array(values, int (void *));"), "R005",
	       { "values", "last field" });
	expect(map("__uint(type, 12); __uint(key_size, 4); __array(values, struct { __uint(type, "
		   "2); __uint(pinning, 1); });"),
	       "R005", { "m.inner", "pinned" });
	expect(of("int m SEC(\".maps\");\n" + prog), "R005", { "m:", "not a struct" });
	expect(of("struct { __uint(type, 2); } m SEC(\".maps\");\nSEC(\"uprobe\") int f(void *c) { "
		  "return !bpf_map_lookup_elem(&m, c); }",
		  "-mcpu=v3 -g0"),
	       "R005", { "no BTF", "-g" });
	expect(of("int t(void *c);\nstruct { __uint(type, 3); __uint(max_entries, 2); "
		  "__uint(key_size, 4); __array(values, int (void *)); } m SEC(\".maps\") = { "
		  ".values = { [5] = (void *)&t } };\n"
		  "SEC(\"uprobe\") int t(void *c) { bpf_tail_call(c, &m, 1); return 0; }"),
	       "R005", { "outside the map" });
	expect(of("static __attribute__((used)) int t(void *c) { return 1; }\nstruct { "
		  "__uint(type, 3); __uint(max_entries, 2); __uint(key_size, 4); __array(values, "
		  "int (void *)); } m SEC(\".maps\") = { .values = { [1] = (void *)&t } };\n"
		  "SEC(\"uprobe\") int f(void *c) { bpf_tail_call(c, &m, 1); return 0; }"),
	       "R005", { "not a program" });
}

TEST(Errors, R006LegacyMaps)
{
	NEED_CLANG();
	expect(of("struct { int type, key_size, value_size, max_entries, flags; } m SEC(\"maps\") "
		  "= { 1, 4, 4, 10, 0 };\n"
		  "SEC(\"uprobe\") int f(void *c) { u32 k = 0; return !bpf_map_lookup_elem(&m, "
		  "&k); }"),
	       "R006", { "libbpf 1.0", "SEC(\".maps\")" });
}

TEST(Errors, R007BadRelocation)
{
	NEED_CLANG();
	expect(of("int x SEC(\".elsewhere\") = 3;\nSEC(\"uprobe\") int f(void *c) { return "
		  "*(volatile int *)&x; }"),
	       "R007", { "f:", ".elsewhere" });
	expect(of("int x;\nSEC(\"uprobe\") int f(void *c) { return *(volatile int *)&x; }",
		  "-mcpu=v3 -fcommon"),
	       "R007", { "'x'", "initial value" });
}

/* R008: externs.cpp.  R009: set.cpp.  R010, R011: core.cpp. */

TEST(Errors, R012NoPrograms)
{
	NEED_CLANG();
	expect(of("int f(void *ctx) { return 0; }"), "R012",
	       { "without SEC()", "SEC(\"uprobe\")" });
	expect(of("int x = 1;"), "R012", {});
	expect(of("SEC(\"?fentry/do_exit\") int f(void *ctx) { return 0; }"), "R012",
	       { "left out" });
}

TEST(Errors, R013TooLarge)
{
	NEED_CLANG();
	expect(of("char x[300 << 20];\nSEC(\"uprobe\") int f(void *c) { return *(volatile char "
		  "*)x; }"),
	       "R013", { ".bss", "314572800 bytes" });
}

TEST(Errors, R014KernelOnly)
{
	NEED_CLANG();
	expect(of("struct { int x; } s SEC(\".struct_ops\") = { 1 };\n" + prog), "R014",
	       { "struct_ops" });
	expect(of("int __attribute__((address_space(2))) x = 1;\n"
		  "SEC(\"uprobe\") int f(void *c) { return *(volatile int "
		  "__attribute__((address_space(2))) *)&x; }"),
	       "R014", { "address spaces", "arena" });
}

static const std::string an_arena = "struct { __uint(type, 33); __uint(map_flags, 1024); __uint(max_entries, 2); } ";

TEST(Errors, Arenas)
{
	NEED_CLANG();
	const std::string x = "char __attribute__((address_space(1))) x[8193] = { 1 };\n"
			      "SEC(\"uprobe\") int f(void *c) { return x[5]; }\n";
	expect(of(x), "R005", { "variables in an arena, but no map" });
	expect(of(an_arena + "arena SEC(\".maps\");\n" + x), "R013", { "8193 bytes", "an arena of 2 pages" });
	expect(of(an_arena + "one SEC(\".maps\");\n" + an_arena + "two SEC(\".maps\");\n" + prog), "R005",
	       { "a second arena" });
}

TEST(Optional, ProgramsOfUnknownKindAreLeftOut)
{
	NEED_CLANG();
	Relocated r(compile_text(
		head +
		"SEC(\"?fentry/do_exit\") int gone(void *ctx) { return 0; }\n"
		"SEC(\"?uprobe/libc.so.6:malloc\") int kept(void *ctx) { return 0; }\n" +
		prog));
	ASSERT_EQ(r.err, 0) << r.text;
	EXPECT_EQ(r.u->n_prog, 2u);
	EXPECT_NE(r.text.find("warning: left out"), std::string::npos) << r.text;
	ASSERT_TRUE(r.prog("kept"));
	EXPECT_EQ(r.prog("kept")->flags, (unsigned)SEC_MANUAL);
	EXPECT_STREQ(r.prog("kept")->spec, "libc.so.6:malloc");
	EXPECT_EQ(r.prog("f")->flags, 0u);
}

TEST(UnitName, IsSafeAsAFolder)
{
	NEED_CLANG();
	std::string o = compile_text(head + prog), dir = o.substr(0, o.rfind('/') + 1);
	const struct {
		const char *file, *name;
	} c[] = {
		{ "count.bpf.o", "count" }, { "count.o", "count" },
		{ "count", "count" },	    { "a b/../\n;$.bpf.o", "_.._____" },
		{ "..bpf.o", "_" },	    { ".o", "_o" },
		{ "...o", "_." },	    { "x.y-z_9.bpf.o", "x.y-z_9" },
	};
	for (auto &i : c) {
		std::string link = i.file;
		size_t slash = link.rfind('/');
		if (slash != std::string::npos)
			link = link.substr(slash + 1);
		std::string path = dir + link;
		ASSERT_EQ(symlink(o.c_str(), path.c_str()), 0) << path;
		Relocated r(path);
		ASSERT_EQ(r.err, 0) << r.text;
		std::string name = r.u->name;
		EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
						 "XYZ0123456789_.-"),
			  std::string::npos)
			<< name;
		EXPECT_NE(name[0], '.');
		if (slash == std::string::npos)
			EXPECT_EQ(name, i.name);
		unlink(path.c_str());
	}
}
