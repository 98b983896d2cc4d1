// SPDX-License-Identifier: MIT
// dump says the same of a BPF object and of the hook object made of it, agrees with
// objdump, and survives damaged files.
#include <gtest/gtest.h>

#include <fstream>
#include <jansson.h>
#include <sstream>
#include <unistd.h>

#include "../shell.h"

#define SAMPLE BPFTIME_SAMPLES_DIR "/minimal"

struct Dumped : Output {
	json_t *json;

	explicit Dumped(const std::string &cmd) : Output(stdout_of(cmd)), json(json_loads(text.c_str(), 0, nullptr)) {}
	Dumped(const Dumped &) = delete;
	~Dumped() { json_decref(json); }
	std::string member(const char *key) const
	{
		char *s = json_dumps(json_object_get(json, key), JSON_SORT_KEYS | JSON_ENCODE_ANY);
		std::string r = s ? s : "";
		free(s);
		return r;
	}
};

struct Dump : testing::Test {
	std::string dir, hook;
	void SetUp() override
	{
		char t[] = "/tmp/bpftime-dump-XXXXXX";
		dir = mkdtemp(t);
		hook = dir + "/m.hook.o";
		ASSERT_EQ(Dumped(BPFTIME_BIN_DIR "/bpftime-aot compile -g " SAMPLE ".bpf.o -o " + hook).status, 0);
	}
	void TearDown() override { (void)!system(("rm -rf " + dir).c_str()); }
};

TEST_F(Dump, HookObjectSaysWhatTheBpfObjectSays)
{
	const std::string what = " --json --hooks --maps --stamp";
	Dumped a(BPFTIME_BIN_DIR "/bpftime-aot dump " SAMPLE ".bpf.o" + what);
	Dumped b(BPFTIME_BIN_DIR "/bpftime-aot dump " + hook + what);
	ASSERT_EQ(a.status, 0);
	ASSERT_EQ(b.status, 0);
	for (const char *key : { "hooks", "maps", "stamp" }) {
		EXPECT_GT(a.member(key).size(), 20u) << a.text;
		EXPECT_EQ(a.member(key), b.member(key));
	}
	EXPECT_NE(a.member("hooks").find("\"prog\": \"count_calls\""), std::string::npos);
	EXPECT_NE(a.member("hooks").find("\"form\": \"natural\""), std::string::npos);
	EXPECT_NE(a.member("maps").find("\"name\": \"calls\""), std::string::npos);
	EXPECT_NE(a.member("stamp").find("\"verified\": true"), std::string::npos);
}

/* The section's bytes, but for what a relocation fills in. */
TEST_F(Dump, InstructionsAreThoseOfTheObject)
{
	Dumped d(BPFTIME_BIN_DIR "/bpftime-aot dump --bpf --json " SAMPLE ".bpf.o");
	ASSERT_EQ(d.status, 0);
	std::string raw = dir + "/raw", code;
	ASSERT_EQ(Dumped("llvm-objcopy-19 -O binary --only-section=uprobe " SAMPLE ".bpf.o " + raw).status, 0);
	std::ifstream in(raw, std::ios::binary);
	std::stringstream s;
	s << in.rdbuf();
	json_t *insns = json_object_get(json_array_get(json_object_get(d.json, "programs"), 0), "insns"), *v;
	size_t i;
	json_array_foreach(insns, i, v)
		code += json_string_value(json_object_get(v, "code"));
	ASSERT_EQ(code.size(), 2 * s.str().size());
	unsigned differ = 0;
	for (size_t k = 0; k < s.str().size(); k++)
		differ += std::stoul(code.substr(2 * k, 2), nullptr, 16) != (unsigned char)s.str()[k];
	EXPECT_LE(differ, 1u);		/* src of the one ld_imm64 */
	EXPECT_NE(d.text.find("call bpf_map_lookup_elem#1"), std::string::npos);
}

TEST_F(Dump, DisassemblyHasTheInstructionsOfObjdump)
{
	Dumped d(BPFTIME_BIN_DIR "/bpftime-aot dump --asm --json " + hook);
	Dumped o("objdump -d --insn-width=16 " + hook + " | grep -c '^ .*:\t'");
	ASSERT_EQ(d.status, 0);
	size_t n = 0, i;
	json_t *v;
	json_array_foreach(json_object_get(d.json, "code"), i, v)
		n += json_array_size(json_object_get(v, "insns"));
	EXPECT_EQ(n, std::stoul(o.text));
}

TEST_F(Dump, IrAndTextForms)
{
	Dumped ir(BPFTIME_BIN_DIR "/bpftime-aot dump --ir " SAMPLE ".bpf.o");
	EXPECT_EQ(ir.status, 0);
	EXPECT_NE(ir.text.find("atomicrmw add ptr @room.calls"), std::string::npos);
	Dumped all(BPFTIME_BIN_DIR "/bpftime-aot dump --bpf --asm --maps --hooks --stamp " SAMPLE ".bpf.o");
	EXPECT_EQ(all.status, 0);
	EXPECT_NE(all.text.find("hook count_calls: uprobe (uprobe), natural entry, ctx unused"),
		  std::string::npos) << all.text;
	EXPECT_EQ(Dumped(BPFTIME_BIN_DIR "/bpftime-aot dump --bpf " + hook + " 2>&1").status, 2);
}

/* Lines of the source behind every instruction. */
TEST_F(Dump, LinesPointAtTheSource)
{
	Dumped o("objdump -dl " + hook);
	std::ifstream in(BPFTIME_SOURCE_DIR "/samples/minimal/minimal.bpf.c");
	std::string line, at;
	for (int n = 1; std::getline(in, line); n++)
		if (line.find("__sync_fetch_and_add") != std::string::npos)
			at = "minimal.bpf.c:" + std::to_string(n);
	size_t place = o.text.find(at), add = o.text.find("lock incq");
	ASSERT_NE(place, std::string::npos) << o.text;
	EXPECT_LT(place, add);
}

TEST_F(Dump, DamagedFilesAreRefused)
{
	std::ifstream in(hook, std::ios::binary);
	std::stringstream s;
	s << in.rdbuf();
	std::string bytes = s.str(), damaged = dir + "/damaged.hook.o";
	for (int seed = 0; seed < 75; seed++) {
		std::string b = bytes;
		unsigned x = 12345 + 7919 * (unsigned)seed;
		if (seed % 3 == 0)
			b.resize(b.size() * (unsigned)seed / 75);
		else
			for (int k = 0; k < 1 + seed % 8; k++) {
				x = x * 1103515245 + 12345;
				b[(x >> 4) % (seed % 2 ? b.size() : 64)] = (char)(x >> 16);
			}
		std::ofstream(damaged, std::ios::binary) << b;
		Dumped d(BPFTIME_BIN_DIR "/bpftime-aot dump --hooks --maps --stamp --asm " + damaged + " 2>&1");
		EXPECT_TRUE(d.status == 0 || d.status == 1) << d.status << " seed " << seed << "\n" << d.text;
	}
}
