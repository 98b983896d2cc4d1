// SPDX-License-Identifier: MIT
// What a patched function's bytes become, or why they stay: the tool's output against the assembler's.
// The first line of NAME.x86_64.in.S says which place is hooked, and the tactic or reason that is to come out.
#include "../tools.h"

#include <dirent.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>
#include <vector>

namespace {

const char kCases[] = BPFTIME_TEST_DIR "/patch/window/";
const char kMacros[] = "\t.macro fn name\n\t.globl \\name\n\t.type \\name, @function\n\\name:\n\t.endm\n"
		       "\t.macro end name\n\t.size \\name, . - \\name\n\t.endm\n"
		       // where the jump to the trampoline is to be
		       "\t.macro site\n\t.globl the_site\nthe_site:\t{disp32} jmp tramp\n\t.endm\n\t.text\n";

std::string slurp(const std::string &path)
{
	std::ifstream f(path, std::ios::binary);
	std::stringstream s;

	s << f.rdbuf();
	return s.str();
}

struct Window : ToolTest, testing::WithParamInterface<std::string> {
	std::string source(const char *which) { return kCases + GetParam() + ".x86_64." + which + ".S"; }

	// Links it; what code is named by in all of them: _start, behind all else.
	void build(const std::string &from, const std::string &to, const std::string &tramp)
	{
		std::ofstream(d + "/s.S") << kMacros << slurp(from) << "\n\t.section .text.end, \"ax\"\n\t.globl _start\n"
			"_start:\tmov $60, %eax\n\txor %edi, %edi\n\tsyscall\n\thlt\n\t.data\n\t.quad 0\n";
		ok("as --64 -o " + d + "/s.o " + d + "/s.S && ld --build-id -z noexecstack --eh-frame-hdr --defsym tramp=" +
		   tramp + " -o " + to + " " + d + "/s.o");
	}
	std::string text(const std::string &file)
	{
		ok("objcopy -O binary -j .text " + file + " " + d + "/bytes");
		return slurp(d + "/bytes");
	}
	uint64_t number(const std::string &cmd) { return strtoull(ok(cmd).c_str(), nullptr, 16); }
};

std::string hex(const std::string &bytes)
{
	std::string s;
	char t[4];

	for (char c : bytes) {
		snprintf(t, sizeof(t), "%02x ", (unsigned char)c);
		s += t;
	}
	return s;
}

TEST_P(Window, Bytes)
{
	std::string line = slurp(source("in")), in = d + "/in", out = d + "/out", want = d + "/want";
	line = line.substr(2, line.find('\n') - 2);
	std::string place = line.substr(0, line.find(": ")), outcome = line.substr(place.size() + 2);
	std::string cmd = BPFTIME_BIN_DIR "/bpftime-patch --binary " + in + " --uprobe " + place;

	build(source("in"), in, "0");
	Output plan = shell(cmd + " --plan");
	if (outcome.compare(0, 7, "refused") == 0) {
		EXPECT_EQ(plan.status, 1) << plan.text;
		EXPECT_NE(plan.text.find(" " + outcome), std::string::npos) << plan.text;
		EXPECT_NE(shell(cmd + " -o " + out).status, 0);
		EXPECT_NE(access(out.c_str(), F_OK), 0);
		return;
	}
	EXPECT_NE(plan.text.find(" " + outcome + " "), std::string::npos) << plan.text;
	ok(cmd + " -o " + out);
	// Where the trampoline is only the result says; it has to be in the section that is new.
	build(source("out"), want, "0");
	uint64_t site = number("nm " + want + " | awk '$3 == \"the_site\" { print $1 }'");
	uint64_t from = number("readelf -SW " + want + " | sed -n 's/.* \\.text *PROGBITS *//p'");
	std::string got = text(out);
	int32_t rel;
	ASSERT_LE(site - from + 5, got.size());
	memcpy(&rel, got.data() + (site - from) + 1, sizeof(rel));
	uint64_t tramp = site + 5 + (uint64_t)(int64_t)rel;
	uint64_t ours = number("readelf -SW " + out + " | sed -n 's/.* \\.bpftime\\.text *PROGBITS *//p'");
	EXPECT_GE(tramp, ours);
	EXPECT_LT(tramp, ours + 0x10000);
	build(source("out"), want, std::to_string(tramp));
	EXPECT_EQ(hex(got), hex(text(want)));
	EXPECT_EQ(shell(out).status, 0);
	ok(BPFTIME_BIN_DIR "/bpftime-patch --revert " + out + " && cmp " + out + " " + in);
}

std::vector<std::string> cases()
{
	std::vector<std::string> v;
	DIR *dir = opendir(kCases);

	for (dirent *e; dir && (e = readdir(dir));) {
		std::string n = e->d_name;
		size_t p = n.find(".x86_64.in.S");

		if (p != std::string::npos)
			v.push_back(n.substr(0, p));
	}
	if (dir)
		closedir(dir);
	std::sort(v.begin(), v.end());
	return v;
}

INSTANTIATE_TEST_SUITE_P(Cases, Window, testing::ValuesIn(cases()), [](const auto &i) { return i.param; });

}
