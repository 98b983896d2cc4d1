// SPDX-License-Identifier: MIT
// CO-RE values against the layout that a C compiler gives the target's types, and the
// ways in which a relocation can have no answer.
#include <gtest/gtest.h>

#include <cstddef>
#include <fstream>
#include <unistd.h>

#include "compile.h"

namespace {

const char *const prelude = "#include \"vmlinux.h\"\n#include <bpf/bpf_helpers.h>\n"
			    "#include <bpf/bpf_core_read.h>\n";
#define LOCAL \
	"#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = " \
	"record)\n"
#define END "\n#pragma clang attribute pop\n"

/* Relocates `int f(void *ctx) { return <expr>; }` over `types`, against `target`. */
struct Core : Relocated {
	Core(const std::string &types, const std::string &expr, const std::string &target)
	    : Relocated(compile_text(prelude + (LOCAL + types) +
				     END "volatile long out;\nconst volatile bool never;\n"
					 "SEC(\"uprobe\") int f(void *ctx) { struct s *s = ctx; " +
				     expr + " return 0; }\n"),
			against(target))
	{
	}
	static const struct relocate_opts *against(const std::string &target)
	{
		static std::string path;
		static struct relocate_opts o;
		path = target.empty() ? "" : compile_text(target);
		o = {};
		o.btf_path = path.c_str();
		return &o;
	}
	/* The number that the program holds where expr is "out = NUMBER;": what it stores. */
	int64_t number(const std::string &name = "f") const
	{
		const struct unit_prog *p = u ? prog(name) : nullptr;
		for (uint32_t i = 0; p && i < p->n_insn; i++) {
			const struct bpfi *in = &p->insn[i];
			if (in->code == BPFI_LD_IMM64 && in->src == BPFI_LD_CONST)
				return (int64_t)((uint64_t)(uint32_t)in[0].imm | (uint64_t)in[1].imm
											 << 32);
			if ((in->code == 0xb7 || in->code == 0xb4) &&
			    i + 2 < p->n_insn) /* rX = imm */
				return in->imm;
			if (in->code == 0x7a) /* v4: *(u64 *)(rX) = imm */
				return in->imm;
		}
		return -424242;
	}
	std::string notes() const
	{
		std::string s;
		const struct unit_prog *p = u ? prog("f") : nullptr;
		for (size_t i = 0; p && i < p->n_note; i++)
			s += std::string(p->note[i].why) + "; ";
		return s;
	}
};

}

/* The target's types, for clang (BTF) and for this compiler (offsetof). */
#define TARGET \
	struct in { \
		char c[3]; \
		short h; \
	}; \
	struct s { \
		char pad[5]; \
		struct in two[2]; \
		union { \
			long l; \
			struct { \
				int deep; \
				int deeper; \
			}; \
		}; \
		unsigned char u8; \
		int i; \
		unsigned bf1 : 3, bf2 : 11; \
		signed long sbf : 37; \
		short arr[7]; \
	}; \
	enum e { E_A = 3, E_B = -9 }; \
	enum big { BIG = 0x123456789aLL };
TARGET
#define TEXT_(...) #__VA_ARGS__
#define TEXT(...) TEXT_(__VA_ARGS__)
static const std::string target = TEXT(TARGET) " struct s v; enum e w; enum big x;";
static const std::string local = "struct in { short h; };\nstruct s { int deeper; struct in "
				 "two[2]; u8 u8; u32 i; int bf1 : 5;"
				 " u32 bf2 : 5; s64 sbf : 60; short arr[9]; int none; };\n"
				 "enum e { E_A, E_B, E_C }; enum big { BIG = 0x7ffffffffffLL, "
				 "BIG_NONE = 1 }; struct none { int x; };\n";

TEST(CoreValues, AreTheLayoutOfTheTarget)
{
	NEED_CLANG();
	const struct {
		const char *expr;
		int64_t want;
	} c[] = {
		{ "bpf_core_field_offset(s->deeper)", offsetof(struct s, deeper) },
		{ "bpf_core_field_offset(s->two[1].h)", offsetof(struct s, two[1].h) },
		{ "bpf_core_field_offset(s->arr[3])", offsetof(struct s, arr[3]) },
		{ "bpf_core_field_size(s->arr)", sizeof(((struct s *)0)->arr) },
		{ "bpf_core_field_size(s->two[1])", sizeof(struct in) },
		{ "bpf_core_field_size(s->u8)", 1 },
		{ "bpf_core_field_exists(s->i)", 1 },
		{ "bpf_core_field_exists(s->none)", 0 },
		{ "bpf_core_field_exists(s->arr[8])", 0 },
		{ "bpf_core_field_exists(((struct none *)s)->x)", 0 },
		{ "__builtin_preserve_field_info(s->i, BPF_FIELD_SIGNED)", 1 },
		{ "__builtin_preserve_field_info(s->u8, BPF_FIELD_SIGNED)", 0 },
		{ "__builtin_preserve_field_info(s->bf1, BPF_FIELD_SIGNED)", 0 },
		{ "__builtin_preserve_field_info(s->sbf, BPF_FIELD_SIGNED)", 1 },
		{ "__builtin_preserve_field_info(s->bf2, BPF_FIELD_LSHIFT_U64)", 64 - 14 },
		{ "__builtin_preserve_field_info(s->bf2, BPF_FIELD_RSHIFT_U64)", 64 - 11 },
		{ "__builtin_preserve_field_info(s->i, BPF_FIELD_LSHIFT_U64)", 32 },
		{ "__builtin_preserve_field_info(s->u8, BPF_FIELD_RSHIFT_U64)", 56 },
		{ "bpf_core_type_size(struct s)", sizeof(struct s) },
		{ "bpf_core_type_size(struct none)", 0 },
		{ "bpf_core_type_exists(struct in)", 1 },
		{ "bpf_core_type_exists(struct none)", 0 },
		{ "bpf_core_type_matches(struct in)", 1 },
		{ "bpf_core_type_matches(struct s)", 0 },
		{ "bpf_core_enum_value(enum e, E_A)", 3 },
		{ "(s32)bpf_core_enum_value(enum e, E_B)", -9 },
		{ "bpf_core_enum_value(enum big, BIG)", 0x123456789a },
		{ "bpf_core_enum_value_exists(enum e, E_B)", 1 },
		{ "bpf_core_enum_value_exists(enum e, E_C)", 0 },
	};
	std::string progs = ""; /* one object: a program each */
	for (auto &i : c)
		progs += "return 0; }\nSEC(\"uprobe\") int f" + std::to_string(&i - c) +
			 "(void *ctx) { struct s *s = ctx; out = " + i.expr + "; ";
	Core r(local, progs, target);
	ASSERT_EQ(r.err, 0) << r.text;
	for (auto &i : c) {
		std::string name = "f" + std::to_string(&i - c);
		EXPECT_EQ(r.number(name), i.want) << i.expr;
		EXPECT_EQ(r.prog(name)->n_note, 0u);
	}
}

/* Shifting left then right takes the bits out of the load, as the macro does it. */
TEST(CoreValues, BitFieldWindowReadsTheField)
{
	NEED_CLANG();
	struct s v = {};
	v.bf2 = 0x5a5;
	v.sbf = -123456789;
	auto value = [](const char *field, const char *info) {
		Core r(local,
		       std::string("out = __builtin_preserve_field_info(s->") + field +
			       ", BPF_FIELD_" + info + ");",
		       target);
		EXPECT_EQ(r.err, 0) << r.text;
		return (uint64_t)r.number();
	};
	auto read = [&](const char *field) {
		uint64_t raw = 0;
		memcpy(&raw, (char *)&v + value(field, "BYTE_OFFSET"), value(field, "BYTE_SIZE"));
		return raw << value(field, "LSHIFT_U64");
	};
	EXPECT_EQ(read("bf2") >> value("bf2", "RSHIFT_U64"), 0x5a5u);
	EXPECT_EQ((int64_t)read("sbf") >> value("sbf", "RSHIFT_U64"), -123456789);
}

TEST(CorePoison, SaysWhatIsMissing)
{
	NEED_CLANG();
	Core r(local,
	       "if (never) { out = s->none; out = bpf_core_enum_value(enum big, BIG_NONE); }",
	       target);
	ASSERT_EQ(r.err, 0) << r.text;
	EXPECT_NE(r.notes().find("byte_off of struct s.none: not in the target's BTF"),
		  std::string::npos)
		<< r.notes();
	EXPECT_NE(r.notes().find("enumval_value of enum big::BIG_NONE"), std::string::npos)
		<< r.notes();
	const struct unit_prog *p = r.prog("f");
	size_t poisoned = 0;
	for (uint32_t i = 0; i < p->n_insn; i++) {
		bool is = p->insn[i].code == BPFI_JMP_CALL && p->insn[i].imm == BPFI_POISON_HELPER;
		EXPECT_EQ(is, unit_note_at(p, i) != nullptr) << i;
		poisoned += is;
	}
	EXPECT_EQ(poisoned, 3u); /* a load or an add, and both slots of a ld_imm64 */
}

TEST(CorePoison, LoadThatWouldReadAnotherNumber)
{
	NEED_CLANG();
	std::string l = "struct s { int grows; u32 shrinks; };\n";
	std::string t = "struct s { long pad, grows; unsigned char shrinks; }; struct s v;";
	Core a(l, "if (never) out = s->grows;", t);
	ASSERT_EQ(a.err, 0) << a.text;
	EXPECT_NE(a.notes().find("has another size"), std::string::npos) << a.notes();
	Core b(l, "if (never) out = s->shrinks;", t);
	ASSERT_EQ(b.err, 0) << b.text;
	EXPECT_EQ(b.notes(), "");
	bool byte_load = false;
	for (uint32_t i = 0; i < b.prog("f")->n_insn; i++) {
		const struct bpfi *in = &b.prog("f")->insn[i];
		byte_load |= in->code == (BPFI_LDX | BPFI_MEM | BPFI_B) && in->off == 16;
	}
	EXPECT_TRUE(byte_load);
}

TEST(CoreRefuses, WhatHasTwoAnswers)
{
	NEED_CLANG();
	std::string t = "struct s___1 { int a, x, y; }; struct s___2 { int x, a, z; }; struct "
			"s___1 v; struct s___2 w;";
	Core r("struct s { int x; };", "out = bpf_core_field_offset(s->x);", t);
	EXPECT_EQ(r.err, -DIAG_R011);
	EXPECT_NE(r.text.find("disagree"), std::string::npos) << r.text;
	EXPECT_NE(r.text.find("struct s.x"), std::string::npos) << r.text;
	Core same("struct s { int y; };", "out = bpf_core_field_offset(s->y);", t);
	EXPECT_EQ(same.err, 0) << same.text; /* only one of them has it */
	EXPECT_EQ(same.number(), 8);
}

// Fields of maps are ours; an id would be one of another BTF than all others.
TEST(CoreRefuses, IdsOfMaps)
{
	NEED_CLANG();
	Core r("struct bpf_map { int max_entries; };", "out = bpf_core_type_id_kernel(struct bpf_map);",
	       "struct bpf_map { int x; }; struct bpf_map v;");
	EXPECT_EQ(r.err, -DIAG_R011);
	EXPECT_NE(r.text.find("has no id"), std::string::npos) << r.text;
	Core other("struct s { int x; };", "out = bpf_core_type_id_kernel(struct s);", "struct s { int x; }; struct s v;");
	EXPECT_EQ(other.err, 0) << other.text;
}

TEST(CoreRefuses, TypesWithoutName)
{
	NEED_CLANG();
	Core r("struct s { int x; };",
	       "struct { int a; } __attribute__((preserve_access_index)) *p = ctx; out = "
	       "bpf_core_field_offset(p->a);",
	       "struct s { int x; }; struct s v;");
	EXPECT_EQ(r.err, -DIAG_R011);
	EXPECT_NE(r.text.find("without a name"), std::string::npos) << r.text;
}

TEST(CoreTarget, WithoutBtfStructPtRegsIsKnown)
{
	NEED_CLANG();
	Core r("struct s { int x; };", "out = bpf_core_field_offset(((struct pt_regs *)ctx)->di);",
	       "");
	ASSERT_EQ(r.err, 0) << r.text;
	EXPECT_EQ(r.number(), 112);
}

TEST(CoreTarget, MustBeBtf)
{
	NEED_CLANG();
	std::string o = compile_bpf("core");
	struct relocate_opts opts = {};
	opts.btf_path = "/no/such/btf";
	EXPECT_EQ(Relocated(o, &opts).err, -DIAG_E001);
	opts.btf_path = "/bin/true"; /* ELF without .BTF */
	EXPECT_EQ(Relocated(o, &opts).err, -DIAG_R010);
	char t[] = "/tmp/bpftime-btf-XXXXXX";
	close(mkstemp(t));
	opts.btf_path = t;
	for (const char *text : { "",
				  "\x7f"
				  "ELF",
				  "\x9f\xeb\1", "no BTF at all, but more than 24 bytes of it" }) {
		std::ofstream(t, std::ios::trunc) << text;
		EXPECT_EQ(Relocated(o, &opts).err, -DIAG_R010) << text;
	}
	unlink(t);
}
