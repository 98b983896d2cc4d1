// SPDX-License-Identifier: MIT
// Moved instructions against what the assembler makes of the expected text.
#include <gtest/gtest.h>

#include <dirent.h>
#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <unistd.h>
#include <vector>

#include "insn_x86_64.h"

namespace {

const char kCases[] = BPFTIME_TEST_DIR "/patch/insn";
// What the cases may name: in, the first address of the original; far and data.
constexpr uint64_t kFrom = 0x100000, kTo = 0x200000;

std::string slurp(const std::string &path)
{
	std::ifstream f(path, std::ios::binary);
	std::stringstream s;

	s << f.rdbuf();
	return s.str();
}

// .text of an assembler file, linked at vaddr.
std::vector<uint8_t> assemble(const std::string &path, uint64_t vaddr)
{
	char dir[] = "/tmp/insn.XXXXXX";
	std::string d = mkdtemp(dir), bytes;
	std::stringstream cmd;

	cmd << "as --64 -o " << d << "/a.o " << path << " && ld -Ttext=" << std::hex << "0x" << vaddr
	    << " -e 0 --defsym in=0x100000 --defsym far=0x180000 --defsym data=0x123450 -o " << d << "/a " << d << "/a.o && objcopy -O binary -j .text " << d << "/a "
	    << d << "/b";
	EXPECT_EQ(system(cmd.str().c_str()), 0) << cmd.str();
	bytes = slurp(d + "/b");
	EXPECT_EQ(system(("rm -r " + d).c_str()), 0);
	return {bytes.begin(), bytes.end()};
}

std::vector<insn> decode(const std::vector<uint8_t> &b)
{
	std::vector<insn> v;

	for (size_t off = 0; off < b.size();) {
		insn in;

		if (!insn_decode(b.data() + off, b.size() - off, kFrom + off, &in)) {
			ADD_FAILURE() << "undecodable at " << off;
			break;
		}
		v.push_back(in);
		off += in.len;
	}
	return v;
}

std::string hex(const std::vector<uint8_t> &b)
{
	std::string s;
	char t[4];

	for (uint8_t x : b) {
		snprintf(t, sizeof(t), "%02x ", x);
		s += t;
	}
	return s;
}

std::vector<std::string> cases()
{
	std::vector<std::string> v;
	DIR *d = opendir(kCases);

	for (dirent *e; d && (e = readdir(d));) {
		std::string n = e->d_name;
		size_t p = n.find(".x86_64.in.S");

		if (p != std::string::npos)
			v.push_back(n.substr(0, p));
	}
	if (d)
		closedir(d);
	std::sort(v.begin(), v.end());
	return v;
}

class Insn : public testing::TestWithParam<std::string> {};

TEST_P(Insn, Moves)
{
	std::string base = std::string(kCases) + "/" + GetParam() + ".x86_64";
	std::vector<insn> in = decode(assemble(base + ".in.S", kFrom));
	std::string err = slurp(base + ".err");

	ASSERT_FALSE(in.empty());
	if (!err.empty()) {
		err.pop_back();
		ASSERT_NE(in.back().refuse, nullptr);
		EXPECT_NE(std::string(in.back().refuse).find(err), std::string::npos) << in.back().refuse;
		return;
	}
	for (const insn &i : in)
		EXPECT_EQ(i.refuse, nullptr) << i.refuse;

	std::vector<uint8_t> out(4096), want = assemble(base + ".out.S", kTo);
	std::vector<size_t> off(in.size() + 1);
	code c = {out.data(), 0, out.size(), kTo, false};

	insns_move(in.data(), in.size(), &c, off.data());
	out.resize(c.n);
	EXPECT_FALSE(c.far);
	EXPECT_EQ(off.back(), c.n);
	EXPECT_EQ(hex(out), hex(want));
}

INSTANTIATE_TEST_SUITE_P(Cases, Insn, testing::ValuesIn(cases()),
			 [](const auto &i) { return i.param; });

TEST(Insn, FarTargetIsNoticed)
{
	uint8_t buf[64];
	insn in;
	size_t off[2];
	const uint8_t lea[] = {0x48, 0x8d, 0x05, 0, 0, 0, 0};

	ASSERT_TRUE(insn_decode(lea, sizeof(lea), 0x1000, &in));
	code c = {buf, 0, sizeof(buf), 0x1000 + (1ull << 31) + 8, false};
	insns_move(&in, 1, &c, off);
	EXPECT_TRUE(c.far);
}

// Flags decide whether a site has to save them: reads and certain writes.
TEST(Insn, Flags)
{
	struct {
		std::vector<uint8_t> b;
		uint16_t read, killed;
	} t[] = {
		{{0x48, 0x39, 0xd8}, 0, 0x8d5},		// cmp
		{{0xff, 0xc0}, 0, 0x8d4},		// inc leaves CF
		{{0x74, 0}, 0x40, 0},			// jz
		{{0x10, 0xc0}, 1, 0x8d5},		// adc
		{{0xd3, 0xe0}, 0, 0},			// shl %cl: perhaps by 0
		{{0x89, 0xc8}, 0, 0},			// mov
		{{0x9c}, 0x8d5, 0},			// pushfq
		{{0xf3, 0xa6}, 0x40, 0},		// repe cmpsb: perhaps not once
	};

	for (auto &x : t) {
		insn in;

		ASSERT_TRUE(insn_decode(x.b.data(), x.b.size(), 0, &in));
		EXPECT_EQ(in.flags_read & FLAGS_STATUS, x.read) << hex(x.b);
		EXPECT_EQ(in.flags_killed, x.killed) << hex(x.b);
	}
}

}
