// SPDX-License-Identifier: MIT
// Damaged programs, planned for all that there is to hook: each is refused with a reason, or makes a file that
// can be restored.  BPFTIME_MUTATIONS: of each seed, instead.  Meant for a build with sanitizers as well.
#include "../tools.h"

#include <elf.h>

#include <csignal>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>
#include <vector>

#include "demangle.h"
#include "hooks.h"
#include "patch.h"
#include "record.h"
#include "rt_archive.h"

namespace {

#define SRC BPFTIME_TEST_DIR "/segment/targets/"

std::string slurp(const std::string &path)
{
	std::ifstream f(path, std::ios::binary);
	std::stringstream s;

	s << f.rdbuf();
	return s.str();
}

struct HostilePlan : ToolTest {
	std::mt19937_64 rng{strtoull(getenv("BPFTIME_SEED") ?: "7", nullptr, 0)};
	unsigned accepted = 0, refused = 0;

	uint64_t below(uint64_t n) { return rng() % n; }
	int rounds(int usual)
	{
		const char *n = getenv("BPFTIME_MUTATIONS");
		return n ? atoi(n) : usual;
	}
	uint64_t value(uint64_t old)
	{
		static const uint64_t odd[] = {0, 1, 7, 0x7f, 0x80, 0xff, 0x1000, 0x7fffffff, 0x80000000, 0xffffffff,
					       0x7fffffffffffffff, 0x8000000000000000, ~0ull, ~0ull - 7};
		switch (below(4)) {
		case 0: return odd[below(sizeof(odd) / sizeof(odd[0]))];
		case 1: return old + below(33) - 16;
		case 2: return old ^ 1ull << below(64);
		default: return rng();
		}
	}
	// In the headers, or in a section: what is read most is small.
	size_t place(const std::string &s)
	{
		Elf64_Ehdr eh;
		Elf64_Shdr sh;

		memcpy(&eh, s.data(), sizeof(eh));
		if (!below(12))
			return below(64 + 56u * eh.e_phnum);
		if (!eh.e_shnum || eh.e_shoff + eh.e_shnum * sizeof(sh) > s.size())
			return below(s.size());
		size_t at = eh.e_shoff + below(eh.e_shnum) * sizeof(sh);
		memcpy(&sh, s.data() + at, sizeof(sh));
		if (!below(8) || sh.sh_type == SHT_NOBITS || !sh.sh_size || sh.sh_offset + sh.sh_size > s.size())
			return at + below(sizeof(sh));
		return sh.sh_offset + below(below(2) ? sh.sh_size : std::min<uint64_t>(sh.sh_size, 256));
	}
	std::string mutated(std::string s)
	{
		for (uint64_t n = 1 + below(4); n--;) {
			size_t width = 1ull << below(4), at = place(s);
			uint64_t v = 0;

			if (below(2))
				at &= ~(width - 1);
			if (at + width > s.size())
				continue;
			memcpy(&v, &s[at], width);
			v = value(v);
			memcpy(&s[at], &v, width);
		}
		return s;
	}
	void attempt(const std::string &path)
	{
		attach_arg arg[4] = {};
		patch_request req = {};
		patch_result res;
		arena *a = arena_new();
		diags dg = {};

		arg[0] = {"uprobe", HOOK_uprobe, AT_SYMBOL};
		arg[1] = {"uretprobe", HOOK_uretprobe, AT_SYMBOL};
		arg[2] = {"usdt", HOOK_usdt, AT_USDT};
		arg[0].text = arg[1].text = "*";
		arg[2].text = "*:*";
		req.binary = path.c_str();
		req.arg = arg;
		req.n_arg = usdt ? 3 : 2;
		req.output = "/nonexistent";
		req.archive = rt_archive();
		if (!rt.empty())
			req.archive = {(const uint8_t *)rt.data(), rt.size()};
		alarm(120);
		int r = patch_binary(a, &req, true, &res, &dg);
		alarm(0);
		EXPECT_NE(dg.first, DIAG_I001) << dg.first_text;
		EXPECT_EQ(r < 0, dg.errors > 0) << dg.first_text;
		(r < 0 ? refused : accepted)++;
		arena_free(a);
	}
	void torture(const std::string &seed, int usual)
	{
		std::string from = slurp(seed), path = d + "/mutated";

		attempt(seed);
		ASSERT_EQ(refused, 0u) << "the seed itself";
		for (int i = 0, n = rounds(usual); i < n && !HasFailure(); i++) {
			std::ofstream(path, std::ios::binary) << mutated(from);
			attempt(path);
		}
		EXPECT_GT(accepted, 0u);
		EXPECT_GT(refused, 0u);
	}
	bool usdt = false;
	// BPFTIME_RT: libbpftime_rt.a of an ordinary build, where this one has sanitizers in its own.
	std::string rt = slurp(getenv("BPFTIME_RT") ?: "");
};

TEST_F(HostilePlan, Exceptions)
{
	ok("g++ -O2 " SRC "throw.cpp -o " + d + "/x");
	torture(d + "/x", 300);
}

TEST_F(HostilePlan, NoRelocations)
{
	ok("gcc -O2 -no-pie -fcf-protection=full " SRC "probe.c -o " + d + "/x");
	torture(d + "/x", 300);
}

TEST_F(HostilePlan, Probes)
{
	if (shell("echo '#include <sys/sdt.h>' | gcc -E - >/dev/null").status)
		GTEST_SKIP() << "no sys/sdt.h";
	std::ofstream(d + "/p.c") << "#include <sys/sdt.h>\nint v;\nint main(int c, char **a)\n{\n"
				     "\tDTRACE_PROBE3(p, one, c, v, a[c]);\n\tDTRACE_PROBE2(p, two, 7, (char)c);\n}\n";
	ok("gcc -O2 " + d + "/p.c -o " + d + "/x");
	usdt = true;
	torture(d + "/x", 300);
}

TEST_F(HostilePlan, Go)
{
	if (shell("command -v go").status)
		GTEST_SKIP() << "golang-go is not installed";
	ok("cd " + d + " && GOCACHE=" + d + "/cache HOME=/ GO111MODULE=off CGO_ENABLED=0 go build -ldflags='-s -w' -o x " SRC "probe.go");
	torture(d + "/x", 12);
}

// The ELF file in .gnu_debugdata is damaged before it is packed, and after.
TEST_F(HostilePlan, DebugData)
{
	if (shell("command -v xz").status)
		GTEST_SKIP() << "no xz";
	ok("cd " + d + " && gcc -O2 " SRC "probe.c -o full && objcopy -S full bare && objcopy --only-keep-debug full debug");
	std::string debug = slurp(d + "/debug");
	for (int i = 0, n = rounds(120); i < n && !HasFailure(); i++) {
		std::ofstream(d + "/m", std::ios::binary) << (i ? mutated(debug) : debug);
		ok("cd " + d + " && xz -0 -f m && objcopy --add-section .gnu_debugdata=m.xz bare x");
		attempt(d + "/x");
		ASSERT_TRUE(i || accepted) << "the seed itself";
	}
	EXPECT_EQ(refused, 0u);	// names are no reason
	torture(d + "/x", 200);
}

TEST_F(HostilePlan, MangledNames)
{
	const char *const good[] = {
		"_ZNK2ns5Shape4areaEi", "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "_RNvCs1234_7mycrate3foo",
		"_ZNSt6vectorISt4pairIiNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEEESaIS7_EE12emplace_backIJS7_EEERS7_DpOT_",
		"_ZZN1a1bIXsrSt7is_sameIT_T0_E5valueEEEDTcl1cfp_EEOT_ENKUlvE_clEv", "_RNvMsr_NtCs3ssYzQotkvD_3std4pathNtB5_7PathBuf3newCs15kBYyAo9fc_7mycrate",
		"_RINvNtC3std3mem8align_ofNtNtC3std3mem12DiscriminantE",
	};

	for (int i = 0, n = rounds(20000); i < n; i++) {
		std::string s = good[below(sizeof(good) / sizeof(good[0]))];
		arena *a = arena_new();

		for (uint64_t k = 1 + below(4); k--;) {
			size_t at = 2 + below(s.size() - 2);
			switch (below(4)) {
			case 0: s[at] = (char)(1 + below(255)); break;
			case 1: s.insert(at, s.substr(2 + below(s.size() - 2), below(20))); break;
			case 2: s.erase(at, 1 + below(3)); break;
			default: s[at] = "0123456789_ESTINRZKXLJD"[below(23)]; break;
			}
			if (s.size() < 4)
				s += "_Z1fv";
		}
		alarm(60);
		demangle(a, s.c_str(), i % 2);
		demangle_matches(s.c_str(), "a::*", true);
		alarm(0);
		arena_free(a);
	}
	arena *a = arena_new();	// what nests without end
	for (const char *piece : {"P", "N1a", "I1aI", "F", "X", "_R", "T", "S0_"})
		for (const char *start : {"_Z1f", "_ZN", "_RI", "_RNv"}) {
			std::string s = start;
			while (s.size() < 4000)
				s += piece;
			demangle(a, s.c_str(), true);
		}
	arena_free(a);
}

}
