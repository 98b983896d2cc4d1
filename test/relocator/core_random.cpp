// SPDX-License-Identifier: MIT
// Two random versions of the same types, and a program that asks everything about them:
// libbpf and we give the same answers.  BPFTIME_CORE_ROUNDS=N and BPFTIME_SEED=S ask for
// longer runs.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "oracle.h"

namespace {

struct Field {
	std::string name, type, suffix; /* "u32", "", "[3]", " : 5" */
	size_t elements = 0;
	bool array = false, bits = false, composite = false;
	std::vector<Field> sub; /* of an anonymous struct or union: type says which */
	/* clang has no relocations of bit fields that straddle storage units or are wider than
	 * another member's alignment: the program's version has none. */
	std::string decl(bool local) const
	{
		if (sub.empty())
			return (local && bits ? type + " : 0; " : "") + type + " " + name + suffix +
			       "; ";
		std::string s = type + " { " + (local ? "u64 wide" + name + "; " : "");
		for (auto &f : sub)
			s += f.decl(local);
		return s + "}; ";
	}
};

struct Gen {
	std::mt19937_64 rng;
	explicit Gen(uint64_t seed) : rng(seed) {}
	size_t below(size_t n) { return rng() % n; }
	bool chance(unsigned percent) { return below(100) < percent; }

	Field retype(Field f) /* another type for the same name */
	{
		static const char *const ints[] = { "u8",    "s8",   "u16",	      "s16",
						    "u32",   "s32",  "u64",	      "s64",
						    "_Bool", "char", "unsigned long", "u32_alias" };
		static const char *const bits_of[] = { "u8",  "u16", "u32",	"s32",
						       "u64", "s64", "unsigned" };
		static const unsigned width[] = { 8, 16, 32, 32, 64, 64, 32 };
		f.array = f.bits = f.composite = false;
		f.suffix = "";
		switch (below(8)) {
		case 0: {
			size_t k = below(7);
			f.type = bits_of[k];
			f.suffix = " : " + std::to_string(1 + below(width[k]));
			f.bits = true;
			break;
		}
		case 1:
			f.type = ints[below(8)];
			f.elements = 1 + below(9);
			f.suffix = "[" + std::to_string(f.elements) + "]";
			f.array = true;
			break;
		case 2: f.type = below(2) ? "void *" : "struct inner *"; break;
		case 3:
			f.type = below(2) && !in_inner ? "struct inner" : "union un";
			f.composite = true;
			break;
		case 4: f.type = below(2) ? "enum small" : "enum large"; break;
		default: f.type = ints[below(12)];
		}
		return f;
	}
	std::vector<Field> fields(size_t n, int depth)
	{
		std::vector<Field> v;
		for (size_t i = 0; i < n; i++) {
			Field f;
			if (depth && chance(15)) {
				f.name = "a" + std::to_string(counter++);
				f.type = chance(50) ? "struct" : "union";
				f.sub = fields(1 + below(4), depth - 1);
			} else {
				f.name = "f" + std::to_string(counter++);
				f = retype(f);
			}
			v.push_back(f);
		}
		return v;
	}
	/* Another version of these fields: some gone, some moved, some retyped, some in or
	 * out of anonymous structs. */
	std::vector<Field> other(const std::vector<Field> &from)
	{
		std::vector<Field> v;
		for (auto &f : from) {
			if (chance(12))
				continue;
			Field g = f;
			if (!f.sub.empty()) {
				g.sub = other(f.sub);
				if (g.sub.empty())
					continue;
				if (chance(20)) { /* its fields, one level up */
					v.insert(v.end(), g.sub.begin(), g.sub.end());
					continue;
				}
			} else if (chance(25)) {
				g = retype(f);
			}
			if (chance(10)) {
				Field wrap;
				wrap.type = chance(50) ? "struct" : "union";
				wrap.sub = { g };
				g = wrap;
			}
			v.push_back(g);
		}
		if (chance(70))
			std::shuffle(v.begin(), v.end(), rng);
		if (chance(50))
			v.insert(v.begin(), fields(1, 0)[0]);
		return v;
	}
	int counter = 0;
	bool in_inner = false; /* struct inner does not hold itself */
};

const char *const shared_types = "typedef unsigned int u32_alias;\n";
const char *const bpf_types = "typedef signed char s8; typedef unsigned char u8; typedef short "
			      "s16; typedef unsigned short u16;"
			      "typedef int s32; typedef unsigned u32; typedef long long s64; "
			      "typedef unsigned long long u64;\n";

std::string types(const std::vector<Field> &s, const std::vector<Field> &inner, Gen &g, bool local,
		  bool flavour)
{
	std::string t = shared_types;
	t += std::string("enum small { S_A") + (g.chance(50) ? " = 4" : "") + ", S_B" +
	     (g.chance(30) ? " = -1" : "") + " };\n";
	t += std::string("enum large { L_A = ") + (g.chance(50) ? "0x100000000" : "5") +
	     ", L_B = 7 };\n";
	t += "union un { u32 a; u16 b" + std::string(g.chance(50) ? "[2]" : "") + "; };\n";
	t += "struct inner { ";
	for (auto &f : inner)
		t += f.decl(local);
	t += "};\nstruct s" + std::string(flavour ? "___v2" : "") + " { " +
	     (local ? "u64 wide; " : "");
	for (auto &f : s)
		t += f.decl(local);
	return t + "};\n";
}

void leaves(const std::vector<Field> &v, std::vector<Field> &out)
{
	for (auto &f : v)
		if (f.sub.empty())
			out.push_back(f);
		else
			leaves(f.sub, out);
}

/* Statements that ask about one field. */
std::string questions(const Field &f, const std::string &path, Gen &g)
{
	std::string q, at = "p->" + path;
	auto info = [&](const std::string &where, int kind) {
		q += "out = __builtin_preserve_field_info(" + where + ", " + std::to_string(kind) +
		     ");\n";
	};
	bool number = !f.array && !f.composite && f.type.find('*') == std::string::npos;
	for (int kind = 0; kind < (number ? 6 : 3); kind++) /* clang has no sign of a struct */
		info(at, kind);
	if (f.array) {
		std::string e = at + "[" + std::to_string(g.below(f.elements)) + "]";
		info(e, 0);
		info(e, 1);
		info(e, 2);
		q += "out = (u64)" + e + ";\n";
	} else if (!f.composite && !f.bits) {
		q += "out = (u64)" + at + ";\n";
		if (number)
			q += at + (g.chance(50) ? " = 1;\n" : " = out;\n");
	}
	return q;
}

unsigned rounds()
{
	const char *e = getenv("BPFTIME_CORE_ROUNDS");
	return e ? (unsigned)atoi(e) : 12;
}

uint64_t seed()
{
	const char *e = getenv("BPFTIME_SEED");
	return e ? strtoull(e, nullptr, 0) : 42;
}

}

TEST(CoreRandom, SameAnswersAsLibbpf)
{
	NEED_CLANG();
	unsigned both = 0, neither = 0;
	for (unsigned i = 0; i < rounds(); i++) {
		Gen g(seed() * 100003 + i);
		g.in_inner = true;
		std::vector<Field> inner = g.fields(1 + g.below(4), 0), inner2 = g.other(inner),
				   ask;
		g.in_inner = false;
		std::vector<Field> s = g.fields(3 + g.below(8), 2);
		std::string local = types(s, inner, g, true, false);
		std::string other = types(g.other(s), inner2, g, false, g.chance(30));
		other += "struct s" +
			 std::string(other.find("___v2") != std::string::npos ? "___v2" : "") +
			 " v; enum small e1; enum large e2; union un u; struct inner in;\n";
		if (g.chance(25)) { /* a second candidate, which may disagree */
			other += "struct s___alt { ";
			for (auto &f : g.chance(30) ? s : g.other(s))
				other += f.decl(false);
			other += "} v2;\n";
		}
		leaves(s, ask);
		std::string
			prog = "#include \"vmlinux.h\"\n#include <bpf/bpf_helpers.h>\n#include "
			       "<bpf/bpf_core_read.h>\n"
			       "#pragma clang attribute "
			       "push(__attribute__((preserve_access_index)), apply_to = record)\n" +
			       local + "#pragma clang attribute pop\nvolatile u64 out;\n";
		int n = 0;
		for (auto &f : ask)
			prog += "SEC(\"uprobe\") int q" + std::to_string(n++) +
				"(struct s *p) {\n" + questions(f, f.name, g) + "return 0; }\n";
		prog += "SEC(\"uprobe\") int qt(struct s *p) { out = bpf_core_type_size(struct s);"
			"out = bpf_core_type_matches(struct inner); out = "
			"bpf_core_type_matches(struct s);"
			"out = bpf_core_type_exists(union un); out = bpf_core_type_matches(enum "
			"small);"
			"out = bpf_core_enum_value(enum small, S_B); out = "
			"bpf_core_enum_value(enum large, L_A);"
			"return 0; }\n";
		std::string o = compile_text(prog), t = compile_text(bpf_types + other);
		ASSERT_NE(o, "") << prog;
		ASSERT_NE(t, "") << other;
		struct relocate_opts opts = {};
		opts.btf_path = t.c_str();
		Relocated r(o, &opts);
		if (r.err) {
			EXPECT_NE(libbpf_refuses(o, t.c_str()), "") << r.text << prog << "\n----\n"
								    << other;
			neither++;
		} else {
			EXPECT_EQ(differs_from_libbpf(r, o, t.c_str(), true), "")
				<< "seed " << seed() << " round " << i << "\n"
				<< prog << "\n----\n"
				<< other;
			both++;
		}
		if (testing::Test::HasFailure())
			break;
	}
	EXPECT_GT(both, 0u) << neither;
	printf("%u programs compared, %u refused by both\n", both, neither);
}
