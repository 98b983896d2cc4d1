// SPDX-License-Identifier: MIT
// What the compiler refuses, and that no input makes it fail any other way.
#include "made.h"

#include <fstream>
#include <random>
#include <sys/wait.h>
#include <unistd.h>

#include "hooks.h"
#include "maps.h"

/* A unit of one kprobe program and at most one map, unverified. */
struct Bare {
	struct arena *a = arena_new();
	struct unit u = {};
	struct unit_prog p = {};
	struct unit_func f = {};
	struct unit_map map = {};
	struct diags dg = {};
	std::vector<bpfi> code;
	struct bytes obj = {};

	explicit Bare(std::vector<bpfi> c) : code(c)
	{
		f.name = p.name = "f";
		p.sec = "uprobe";
		p.spec = "";
		p.kind = HOOK_uprobe;
		p.type = PROG_KPROBE;
		p.insn = code.data();
		p.n_insn = (uint32_t)code.size();
		p.func = &f;
		p.n_func = 1;
		map.name = "m";
		map.inner = -1;
		u.arena = a;
		u.path = u.name = "bare";
		u.license = "GPL";
		u.prog = &p;
		u.n_prog = 1;
		u.map = &map;
	}
	~Bare() { arena_free(a); }
	int compile(unsigned level = 1)
	{
		struct compile_opts o = {};
		o.opt_level = level;
		o.unverified = true;
		return compile_object(a, &u, nullptr, &o, &obj, &dg);
	}
};

static bpfi insn(uint8_t code, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
	bpfi i = {};
	i.code = code;
	i.dst = dst & 15;
	i.src = src & 15;
	i.off = off;
	i.imm = imm;
	return i;
}

static const bpfi leave = insn(BPFI_JMP_EXIT, 0, 0, 0, 0);

TEST(CompilerErrors, MapsThatCannotBe)
{
	struct {
		uint32_t type, value_size, flags;
		const char *text;
	} cases[] = {
		{ 9999, 8, 0, "unknown type 9999" },
		{ MAP_TYPE_array, UINT32_MAX, 0, "value of" },
		{ MAP_TYPE_array_of_maps, 4, 0, "does not say what its maps are like" },
	};
	for (auto &c : cases) {
		Bare b({ insn(BPFI_ALU64 | BPFI_MOV, 0, 0, 0, 0), leave });
		b.map.type = c.type;
		b.map.key_size = 4;
		b.map.value_size = c.value_size;
		b.map.max_entries = 1;
		b.u.n_map = 1;
		EXPECT_EQ(b.compile(), -DIAG_C005);
		EXPECT_NE(std::string(b.dg.first_text).find(c.text), std::string::npos) << b.dg.first_text;
	}
}

/* Kinds that cannot be, each by its name and with the reason. */
TEST(CompilerErrors, KindsThatCannotBeAreRefusedByName)
{
	const struct { uint32_t type; const char *name, *reason; } rows[] = {
#define MAP_NO(id_, name_, reason_) { id_, #name_, reason_ },
#include "maps.def"
	};
	for (auto &row : rows) {
		Bare b({ insn(BPFI_ALU64 | BPFI_MOV, 0, 0, 0, 0), leave });
		b.map.type = row.type;
		b.map.key_size = b.map.value_size = 4;
		b.map.max_entries = 1;
		b.u.n_map = 1;
		EXPECT_EQ(b.compile(), -DIAG_C005) << row.name;
		EXPECT_NE(std::string(b.dg.first_text).find(std::string(row.name) + ": " + row.reason), std::string::npos)
			<< b.dg.first_text;
	}
}

/* What the kernel says when a loader fills a map of maps is said here. */
TEST(CompilerErrors, MapsOfMapsHoldWhatFits)
{
	auto refusal = [](auto change) {
		Bare b({ insn(BPFI_ALU64 | BPFI_MOV, 0, 0, 0, 0), leave });
		struct unit_map m[3] = {};
		struct map_init_slot slot = { 0, 2 };
		m[0] = { "outer", MAP_TYPE_array_of_maps, 4, 4, 2, 0, 0, 0, 0, 0, {}, 1, 0, &slot, 1 };
		m[1] = { "outer.inner", MAP_TYPE_array, 4, 8, 3, 0, 0, MAP_BIT_TEMPLATE, 0, 0, {}, -1, 0, nullptr, 0 };
		m[2] = { "in", MAP_TYPE_array, 4, 8, 3, 0, 0, 0, 0, 0, {}, -1, 0, nullptr, 0 };
		change(m);
		b.u.map = m;
		b.u.n_map = 3;
		return b.compile() ? std::string(b.dg.first_text) : "";
	};
	auto has = [](const std::string &s, const char *what) { return s.find(what) != s.npos; };
	EXPECT_EQ(refusal([](auto *) {}), "");
	EXPECT_TRUE(has(refusal([](auto *m) { m[2].max_entries = 4; }), "in in slot 0 is not like"));
	EXPECT_EQ(refusal([](auto *m) { m[2].max_entries = 4; m[1].flags = m[2].flags = MAP_F_INNER_MAP; }), "");
	EXPECT_EQ(refusal([](auto *m) { m[1].type = m[2].type = MAP_TYPE_hash; m[2].max_entries = 9; }), "");
	EXPECT_TRUE(has(refusal([](auto *m) { m[2].value_size = 4; }), "is not like"));
	EXPECT_TRUE(has(refusal([](auto *m) { m[2].type = MAP_TYPE_percpu_array; }), "is not like"));
	EXPECT_TRUE(has(refusal([](auto *m) { m[2].flags = MAP_F_RDONLY_PROG; }), "is not like"));
	EXPECT_TRUE(has(refusal([](auto *m) { m[0].bits = MAP_BIT_PINNED; }), "it is pinned, and in in slot 0 is not"));
	EXPECT_TRUE(has(refusal([](auto *m) { m[1].type = m[2].type = MAP_TYPE_prog_array; m[1].value_size = m[2].value_size = 4; }), "prog_array cannot be in it"));
}

/* Attributes whose product overflows: no room, a slot. */
TEST(CompilerErrors, HugeArraysGetASlot)
{
	Bare b({ insn(BPFI_ALU64 | BPFI_MOV, 0, 0, 0, 0), leave });
	b.map.type = MAP_TYPE_array;
	b.map.key_size = 4;
	b.map.value_size = INT32_MAX;
	b.map.max_entries = UINT32_MAX;
	b.u.n_map = 1;
	EXPECT_EQ(b.compile(), 0);
	EXPECT_LT(b.obj.n, 1u << 16);
}

TEST(CompilerErrors, PlaceIsNamed)
{
	Bare b({ insn(BPFI_ALU64 | BPFI_MOV, 0, 0, 0, 0), insn(0xe7, 0, 0, 0, 0), leave });
	EXPECT_EQ(b.compile(), -DIAG_C001);
	EXPECT_EQ(b.dg.first_insn, 1);
}

TEST(CompilerErrors, KernelFunctionsAreRefusedByName)
{
	const char *names[] = { "bpf_cast_to_kern_ctx" };
	Bare b({ insn(BPFI_JMP_CALL, 0, BPFI_CALL_KFUNC, 0, 0), leave });
	b.u.kfunc = names;
	b.u.n_kfunc = 1;
	EXPECT_EQ(b.compile(), -DIAG_C003);
	EXPECT_NE(std::string(b.dg.first_text).find("bpf_cast_to_kern_ctx"), std::string::npos);
}

/* Whatever the bytes, the answer is an object or a refusal: never a bug of ours, never a
 * crash. */
TEST(CompilerErrors, RandomInstructionsAreCompiledOrRefused)
{
	std::mt19937_64 rng(42);
	unsigned made = 0;
	const char *more = getenv("BPFTIME_RANDOM_PROGRAMS");
	unsigned n_programs = more ? (unsigned)atoi(more) : 400;
	static const uint8_t likely[] = {
		0xb7, 0xbf, 0x07, 0x0f, 0x85, 0x79, 0x7b, 0x7a, 0x18, 0x15, 0x1d, 0x05, 0x06, 0xdb,
		0xc3, 0x3c, 0x9f, 0xdc, 0xd7, 0x8d, 0xe5, 0x81, 0x95, 0x67, 0xcf, 0x56, 0xbc, 0x04,
	};
	for (unsigned k = 0; k < n_programs; k++) {
		std::vector<bpfi> code;
		size_t n = 1 + rng() % 24;
		for (size_t i = 0; i < n; i++) {
			uint64_t r = rng();
			bpfi in = insn(r % 16 ? likely[rng() % sizeof(likely)] : (uint8_t)rng(),
				       (uint8_t)(rng() % 11), (uint8_t)(rng() % 11),
				       (int16_t)(rng() % 3 ? rng() % 4 : rng()),
				       (int32_t)(rng() % 3 ? rng() % 20 : rng()));
			if (in.code == 0x18 || in.code == 0x85)
				in.src = rng() % 4 ? 0 : in.src & 7;
			if (in.code == 0xb7 || in.code == 0x3c || in.code == 0x9f)
				in.off = rng() % 8 == 0;
			if (in.code == 0xbf || in.code == 0xbc)
				in.off = 0;
			if (in.code == 0xdc || in.code == 0xd7)
				in.imm = 16 << rng() % 3;
			if (in.code == 0xdb || in.code == 0xc3)
				in.imm = (int32_t)((const int[]){ 0, 1, 0x40, 0xe1, 0xf1, 0x100, 0x110 })[rng() % 7];
			code.push_back(in);
			if (in.code == 0x18)
				code.push_back(insn(0, 0, 0, 0, (int32_t)rng()));
		}
		code.push_back(leave);
		Bare b(code);
		b.map.type = MAP_TYPE_array;
		b.map.key_size = 4;
		b.map.value_size = 8;
		b.map.max_entries = 4;
		b.u.n_map = 1;
		int r = b.compile((unsigned)(k % 4));
		made += !r;
		EXPECT_TRUE(!r || (b.dg.first >= DIAG_C001 && b.dg.first <= DIAG_C007))
			<< diag_name(b.dg.first) << " " << b.dg.first_text;
	}
	EXPECT_GT(made, n_programs / 20);
}

/* 60,000 instructions in 4,000 blocks do not take for ever. */
TEST(CompilerErrors, LargeProgramsCompile)
{
	std::vector<bpfi> code;
	for (int i = 0; i < 4000; i++) {
		for (int k = 0; k < 13; k++)
			code.push_back(insn(BPFI_ALU64 | BPFI_ADD, (uint8_t)(k % 10), 0, 0, i));
		code.push_back(insn(BPFI_STX | BPFI_MEM | BPFI_DW, 10, (uint8_t)(i % 10), (int16_t)(-8 * (1 + i % 60)), 0));
		code.push_back(insn(BPFI_JMP | BPFI_JGT, (uint8_t)(i % 10), 0, 3, i));
	}
	code.push_back(insn(BPFI_ALU64 | BPFI_MOV, 0, 0, 0, 0));
	code.push_back(insn(BPFI_ALU64 | BPFI_MOV, 0, 0, 0, 0));
	code.push_back(insn(BPFI_ALU64 | BPFI_MOV, 0, 0, 0, 0));
	code.push_back(leave);
	Bare b(code);
	EXPECT_EQ(b.compile(1), 0) << b.dg.first_text;
}

/* ---- the command ---- */

struct Compile : testing::Test {
	std::string dir;
	void SetUp() override
	{
		char t[] = "/tmp/bpftime-compile-XXXXXX";
		dir = mkdtemp(t);
		(void)!system(("cp " BPFTIME_SAMPLES_DIR "/minimal.bpf.o " + dir).c_str());
	}
	void TearDown() override { (void)!system(("rm -rf " + dir).c_str()); }
	int run(const std::string &args)
	{
		int st = system(("cd " + dir + " && " BPFTIME_BIN_DIR "/bpftime-aot compile " + args +
				 " >out 2>&1").c_str());
		return WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
	}
	std::string out()
	{
		std::ifstream in(dir + "/out");
		return std::string(std::istreambuf_iterator<char>(in), {});
	}
	bool exists(const std::string &name) { return !access((dir + "/" + name).c_str(), F_OK); }
};

TEST_F(Compile, NamesTheOutputAfterTheInput)
{
	EXPECT_EQ(run("minimal.bpf.o"), 0) << out();
	EXPECT_TRUE(exists("minimal.hook.o"));
	(void)!system(("mv " + dir + "/minimal.bpf.o " + dir + "/x.o").c_str());
	EXPECT_EQ(run("x.o"), 0);
	EXPECT_TRUE(exists("x.hook.o"));
	EXPECT_EQ(run("x.o -o y"), 0);
	EXPECT_TRUE(exists("y"));
}

TEST_F(Compile, ExitCodesAndNoPartialFile)
{
	EXPECT_EQ(run(""), 2);
	EXPECT_EQ(run("minimal.bpf.o minimal.bpf.o"), 2);
	EXPECT_EQ(run("minimal.bpf.o -O4"), 2);
	EXPECT_EQ(run("minimal.bpf.o --target vax"), 1);
	EXPECT_EQ(run("minimal.bpf.o --cpu vax"), 1);
	EXPECT_EQ(run("missing.bpf.o"), 3);
	EXPECT_EQ(run("minimal.bpf.o -o /dev/full"), 3);
	EXPECT_EQ(run("minimal.bpf.o -o no/such/folder"), 3);
	EXPECT_EQ(run("/bin/true"), 1);
	EXPECT_FALSE(exists("minimal.hook.o"));
	(void)!system(("head -c 700 " + dir + "/minimal.bpf.o >" + dir + "/cut.bpf.o").c_str());
	EXPECT_EQ(run("cut.bpf.o"), 1);
	EXPECT_FALSE(exists("cut.hook.o"));
}

TEST_F(Compile, UnverifiedIsLoud)
{
	EXPECT_EQ(run("minimal.bpf.o --unverified"), 0);
	EXPECT_NE(out().find("NOT VERIFIED"), std::string::npos);
	EXPECT_EQ(run("minimal.bpf.o"), 0);
	EXPECT_EQ(out(), "");
}
