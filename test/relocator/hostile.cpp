// SPDX-License-Identifier: MIT
// Damaged objects and damaged target BTF: a message or a unit that holds together,
// never a crash.  BPFTIME_MUTATIONS=N and BPFTIME_SEED=S ask for longer runs.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <sys/mman.h>
#include <unistd.h>

#include "compile.h"
#include "objfmt.h"

namespace {

std::string slurp(const std::string &path)
{
	std::ifstream f(path, std::ios::binary);
	std::ostringstream s;
	s << f.rdbuf();
	return s.str();
}

struct MemFile { /* a regular file that no disk sees */
	int fd = memfd_create("object", MFD_CLOEXEC);
	std::string path = "/proc/self/fd/" + std::to_string(fd);
	~MemFile() { close(fd); }
	void put(const std::string &s)
	{
		ASSERT_EQ(ftruncate(fd, 0), 0);
		ASSERT_EQ(pwrite(fd, s.data(), s.size(), 0), (ssize_t)s.size());
	}
};

bool is_func(const struct unit_prog *p, int64_t insn)
{
	for (size_t i = 0; i < p->n_func; i++)
		if (p->func[i].insn == insn)
			return true;
	return false;
}

/* What unit.h and isa.h promise to the verifier. */
std::string broken_promise(const struct unit *u)
{
	if (!u->n_prog || !u->name[0] || !u->license)
		return "empty";
	for (size_t k = 0; k < u->n_prog; k++) {
		const struct unit_prog *p = &u->prog[k];
		if (!p->n_func || p->func[0].insn)
			return "no main function";
		for (size_t i = 1; i < p->n_func; i++)
			if (p->func[i].insn <= p->func[i - 1].insn || p->func[i].insn >= p->n_insn)
				return "functions out of order";
		for (size_t i = 0; i < p->n_line; i++)
			if ((i && p->line[i].insn < p->line[i - 1].insn) ||
			    p->line[i].insn >= p->n_insn)
				return "lines out of order";
		for (uint32_t i = 0; i < p->n_insn; i++) {
			const struct bpfi *in = &p->insn[i];
			if (in->code == BPFI_JMP_CALL) {
				if (in->src == BPFI_CALL_LOCAL &&
				    !is_func(p, (int64_t)i + 1 + in->imm))
					return "call to nowhere";
				if (in->src == BPFI_CALL_KFUNC && (uint32_t)in->imm >= u->n_kfunc)
					return "no such kfunc";
			}
			if (in->code != BPFI_LD_IMM64)
				continue;
			if (i + 1 == p->n_insn)
				return "half a ld_imm64";
			if ((in->src == BPFI_LD_MAP || in->src == BPFI_LD_MAP_VALUE) &&
			    (uint32_t)in->imm >= u->n_map)
				return "no such map";
			if (in->src == BPFI_LD_MAP_VALUE && !u->map[in->imm].init.n)
				return "value of a map that is not global data";
			if (in->src == BPFI_LD_FUNC && !is_func(p, (int64_t)i + 1 + in->imm))
				return "address of no function";
			if (in->src != 0 && in->src != 1 && in->src != 2 && in->src != 4)
				return "unknown ld_imm64";
			i++;
		}
	}
	for (size_t i = 0; i < u->n_map; i++) {
		const struct unit_map *m = &u->map[i];
		if (m->inner >= (int32_t)u->n_map || (m->init.n && m->init.n != m->value_size))
			return "map";
		for (size_t k = 0; k < m->n_slots; k++)
			if (m->slots[k].target < 0 ||
			    (size_t)m->slots[k].target >= (m->type == 3 ? u->n_prog : u->n_map))
				return "initial value of a map";
	}
	return "";
}

struct Counts {
	unsigned accepted = 0, refused = 0;
	std::map<std::string, unsigned> codes;
	~Counts()
	{
		printf("accepted %u", accepted);
		for (auto &c : codes)
			printf(", %s %u", c.first.c_str(), c.second);
		printf("\n");
	}
};

void check(const std::string &path, const char *btf, Counts &n, const std::string &what)
{
	static MemFile config;
	static bool once = (config.put("CONFIG_BPF_SYSCALL=y\nCONFIG_BPF_JIT=m\nCONFIG_NET=y\n"
				       "CONFIG_HZ=250\nCONFIG_DEFAULT_HOSTNAME=\"x\"\n"
				       "CONFIG_NO_SUCH_OPTION=y\n"),
			    true);
	struct relocate_opts o = {};
	(void)once;
	o.btf_path = btf;
	o.kconfig_path = config.path.c_str();
	Relocated r(path, &o);
	if (r.err) {
		n.refused++;
		n.codes[diag_name(r.dg.first)]++;
		ASSERT_LT(r.err, 0) << what;
		ASSERT_NE(r.text.find("error["), std::string::npos) << what;
		ASSERT_EQ(r.text.find("internal error"), std::string::npos) << what;
	} else {
		n.accepted++;
		ASSERT_EQ(broken_promise(r.u), "") << what;
	}
}

void mutate(std::string &s, std::mt19937_64 &rng)
{
	static const uint32_t odd[] = { 0,	1,	2,	    8,		0xff,
					0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff };
	unsigned n = 1 + rng() % 4;
	while (n--) {
		size_t at = rng() % s.size();
		uint32_t v;
		switch (rng() % 5) {
		case 0: s[at] ^= (char)(1 << rng() % 8); break;
		case 1: s[at] = (char)rng(); break;
		case 2: /* a field of four bytes */
			at &= ~3ull;
			v = odd[rng() % 10];
			if (at + 4 <= s.size())
				memcpy(&s[at], &v, 4);
			break;
		case 3:
			at &= ~3ull;
			if (at + 4 <= s.size()) {
				memcpy(&v, &s[at], 4);
				v += (uint32_t)(rng() % 7) - 3;
				memcpy(&s[at], &v, 4);
			}
			break;
		default: { /* a run from elsewhere */
			size_t from = rng() % s.size(), len = 1 + rng() % 32;
			for (size_t i = 0; i < len && at + i < s.size() && from + i < s.size(); i++)
				s[at + i] = s[from + i];
		}
		}
	}
}

unsigned rounds(unsigned n)
{
	const char *e = getenv("BPFTIME_MUTATIONS");
	return e ? (unsigned)atoi(e) : n;
}

uint64_t seed()
{
	const char *e = getenv("BPFTIME_SEED");
	return e ? strtoull(e, nullptr, 0) : 20240117;
}

}

TEST(Hostile, TruncatedObjects)
{
	NEED_CLANG();
	std::string whole = slurp(compile_bpf("values")), target = compile_bpf("core_target");
	MemFile f;
	Counts n;
	for (size_t len = 0; len < whole.size(); len += len < 256 ? 1 : 37) {
		f.put(whole.substr(0, len));
		check(f.path, target.c_str(), n, "cut to " + std::to_string(len));
	}
	EXPECT_EQ(n.accepted, 0u); /* the section table is at the end */
}

TEST(Hostile, MutatedObjects)
{
	NEED_CLANG();
	std::string target = compile_bpf("core_target");
	std::mt19937_64 rng(seed());
	MemFile f;
	Counts n;
	std::vector<std::string> whole;
	for (const char *name : { "core", "values", "maps", "subprogs", "kconfig", "set" })
		whole.push_back(slurp(compile_bpf(name)));
	for (unsigned i = 0; i < rounds(4000) && !testing::Test::HasFatalFailure(); i++) {
		std::string s = whole[i % whole.size()];
		mutate(s, rng);
		f.put(s);
		check(f.path, target.c_str(), n,
		      "seed " + std::to_string(seed()) + " round " + std::to_string(i));
	}
	/* Both happen, or the mutations are too weak or too strong to say anything. */
	EXPECT_GT(n.accepted, 0u);
	EXPECT_GT(n.refused, 0u);
}

TEST(Hostile, MutatedTargetBtf)
{
	NEED_CLANG();
	std::string object = compile_bpf("core"), whole = slurp(compile_bpf("core_target"));
	std::mt19937_64 rng(seed());
	MemFile f;
	Counts n;
	for (unsigned i = 0; i < rounds(2000) && !testing::Test::HasFatalFailure(); i++) {
		std::string s = whole;
		mutate(s, rng);
		f.put(s);
		check(object, f.path.c_str(), n,
		      "seed " + std::to_string(seed()) + " round " + std::to_string(i));
	}
	EXPECT_GT(n.accepted, 0u);
	EXPECT_GT(n.refused, 0u);
}
