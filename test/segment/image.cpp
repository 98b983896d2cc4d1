// SPDX-License-Identifier: MIT
// What image_parse finds is what binutils finds, with section headers and without.
#include "util.h"

#include <inttypes.h>

#include <map>
#include <set>

using seg::lines;

namespace {

struct ImageTest : seg::Test, testing::WithParamInterface<const char *> {};

std::string hex(uint64_t v)
{
	char s[32];
	snprintf(s, sizeof(s), "%" PRIx64, v);
	return s;
}

// "0000000000001030 <SSL_write@plt>:" of objdump.
std::map<uint64_t, std::string> objdump_stubs(const std::string &path)
{
	std::map<uint64_t, std::string> m;
	for (const std::string &l :
	     lines(shell("objdump -d -j .plt -j .plt.got -j .plt.sec " + path).text)) {
		char name[512];
		uint64_t at;
		if (sscanf(l.c_str(), "%" SCNx64 " <%511[^>]>:", &at, name) != 2)
			continue;
		std::string s = name;
		if (s.size() > 4 && s.substr(s.size() - 4) == "@plt" && s[0] != '*')
			m[at] = s.substr(0, s.find('@'));
	}
	return m;
}

std::map<uint64_t, std::string> our_stubs(const struct image *im)
{
	std::map<uint64_t, std::string> m;
	for (size_t i = 0; i < im->n_import; i++)
		if (im->import[i].stub_vaddr)
			m[im->import[i].stub_vaddr] = im->import[i].name;
	return m;
}

std::multiset<std::string> readelf_fdes(const std::string &path)
{
	std::multiset<std::string> m;
	for (const std::string &l : lines(shell("readelf -wf " + path).text)) {
		size_t pc = l.find("FDE cie=");
		uint64_t from, to;
		if (pc != std::string::npos && (pc = l.find("pc=")) != std::string::npos &&
		    sscanf(l.c_str() + pc, "pc=%" SCNx64 "..%" SCNx64, &from, &to) == 2 && from &&
		    to > from)
			m.insert(hex(from) + "+" + hex(to - from));
	}
	return m;
}

std::multiset<std::string> our_fdes(const struct image *im)
{
	std::multiset<std::string> m;
	for (size_t i = 0; i < im->n_fde; i++)
		m.insert(hex(im->fde[i].vaddr) + "+" + hex(im->fde[i].bytes));
	return m;
}

// "0000000000001139 T main" of nm, functions only.
std::set<std::string> nm_dynamic(const std::string &path)
{
	std::set<std::string> m;
	for (const std::string &l :
	     lines(shell("nm -D --defined-only --with-symbol-versions " + path).text)) {
		char type, name[4096];
		uint64_t at;
		if (sscanf(l.c_str(), "%" SCNx64 " %c %4095s", &at, &type, name) == 3 &&
		    strchr("TtWi", type))
			m.insert(hex(at) + " " + name);
	}
	return m;
}

TEST_P(ImageTest, AgreesWithBinutils)
{
	SKIP_WITHOUT(GetParam());
	struct image *im = image(GetParam());
	ASSERT_TRUE(im);
	EXPECT_EQ(our_stubs(im), objdump_stubs(GetParam()));
	EXPECT_EQ(our_fdes(im), readelf_fdes(GetParam()));
	std::string notes = shell(std::string("readelf -n ") + GetParam()).text, id;
	for (size_t i = 0; i < im->build_id.n; i++)
		id += (im->build_id.p[i] < 16 ? "0" : "") + hex(im->build_id.p[i]);
	EXPECT_TRUE(notes.find("Build ID: " + id) != std::string::npos);
	std::set<std::string> nm = nm_dynamic(GetParam()), ours;
	for (size_t i = 0; i < im->n_sym; i++) {
		const struct image_symbol *s = &im->sym[i];
		if (s->dynamic)
			ours.insert(hex(s->vaddr) + " " + s->name);
		if (i)
			EXPECT_LE(s[-1].vaddr, s->vaddr);
	}
	// nm knows no symbol types: what we call a function is in its list.
	std::set<std::string> nm_names;
	for (std::string s : nm)
		nm_names.insert(s.substr(0, s.find('@')));
	for (const std::string &s : ours)
		EXPECT_TRUE(nm_names.count(s)) << s;
	size_t funcs = 0;
	for (const std::string &l :
	     lines(shell(std::string("readelf -W --dyn-syms ") + GetParam()).text))
		funcs += (l.find(" FUNC ") != std::string::npos ||
			  l.find(" IFUNC ") != std::string::npos) &&
			 l.find(" UND ") == std::string::npos;
	// Versions of one name at one address are one function.
	EXPECT_LE(ours.size(), funcs);
	EXPECT_GE(ours.size(), funcs * 9 / 10);
}

TEST_P(ImageTest, SameWithoutSections)
{
	SKIP_WITHOUT(GetParam());
	if (!seg::have("llvm-objcopy-19"))
		GTEST_SKIP() << "llvm-objcopy-19 is not installed";
	std::string bare = dir + "/bare";
	ASSERT_EQ(shell(std::string("llvm-objcopy-19 --strip-sections ") + GetParam() + " " + bare).status, 0);
	struct image *im = image(GetParam()), *b = image(bare);
	ASSERT_TRUE(im && b);
	EXPECT_EQ(b->n_sh, 0u);
	EXPECT_EQ(b->kind, im->kind);
	EXPECT_EQ(our_stubs(b), our_stubs(im));
	EXPECT_EQ(our_fdes(b), our_fdes(im));
	ASSERT_EQ(b->n_import, im->n_import);
	for (size_t i = 0; i < b->n_import; i++) {
		EXPECT_STREQ(b->import[i].name, im->import[i].name);
		EXPECT_STREQ(b->import[i].version, im->import[i].version);
		EXPECT_EQ(b->import[i].got_vaddr, im->import[i].got_vaddr);
	}
	std::multiset<std::string> x, y;
	for (size_t i = 0; i < im->n_sym; i++)
		if (im->sym[i].dynamic)
			x.insert(im->sym[i].name);
	for (size_t i = 0; i < b->n_sym; i++)	/* a debug file may name more */
		if (b->sym[i].dynamic)
			y.insert(b->sym[i].name);
	EXPECT_EQ(x, y);
	EXPECT_EQ(b->n_needed, im->n_needed);
	EXPECT_STREQ(b->soname, im->soname);
	EXPECT_STREQ(b->interp, im->interp);
}

#define SRC BPFTIME_TEST_DIR "/segment/targets/"

struct ImageBuilt : seg::Test {
	struct image *build(const std::string &cc, const char *src, bool *skip)
	{
		*skip = !seg::have(cc.substr(0, cc.find(' ')));
		if (*skip)
			return nullptr;
		Output r = shell(cc + " " + src + " -o " + dir + "/x");
		EXPECT_EQ(r.status, 0) << r.text;
		return r.status ? nullptr : image(dir + "/x");
	}
};

// The PLTs of all linkers, lazy or not, with and without landing pads.
TEST_F(ImageBuilt, StubsOfEveryLinker)
{
	for (const char *cc : { "gcc -O2", "gcc -O2 -Wl,-z,lazy", "gcc -O2 -no-pie -Wl,-z,now",
				"gcc -O2 -fcf-protection=full -Wl,-z,ibtplt",
				"gcc -O2 -fcf-protection=full -Wl,-z,ibtplt,-z,now",
				"gcc -O2 -Wl,-z,bndplt", "gcc -O2 -fuse-ld=gold",
				"gcc -O2 -fuse-ld=gold -Wl,-z,now", "clang-19 -O2 -fuse-ld=lld",
				"clang-19 -O2 -fuse-ld=lld -fcf-protection=full "
				"-Wl,-z,force-ibt",
				"musl-gcc -O2", "musl-gcc -O2 -Wl,-z,lazy -no-pie" }) {
		bool skip;
		struct image *im = build(cc, SRC "calls.c", &skip);
		if (skip)
			continue;
		ASSERT_TRUE(im);
		SCOPED_TRACE(cc);
		std::map<uint64_t, std::string> stubs = our_stubs(im);
		EXPECT_EQ(stubs, objdump_stubs(dir + "/x"));
		for (const char *name : { "strdup", "getenv", "puts" }) {
			bool found = false;
			for (auto &s : stubs)
				found |= s.second == name;
			EXPECT_TRUE(found) << name;
		}
		for (size_t i = 0; i < im->n_import; i++)
			if (im->import[i].stub_vaddr) {
				EXPECT_GE(im->import[i].stub_bytes, 8u);
				EXPECT_LE(im->import[i].stub_bytes, 16u);
				EXPECT_FALSE(im->import[i].defined);
			}
	}
}

TEST_F(ImageBuilt, ImportsWithoutPlt)
{
	bool skip;
	struct image *im = build("gcc -O2 -fno-plt", SRC "calls.c", &skip);
	ASSERT_TRUE(im);
	size_t n = 0;
	for (size_t i = 0; i < im->n_import; i++)
		if (!strcmp(im->import[i].name, "strdup")) {
			n++;
			EXPECT_EQ(im->import[i].stub_vaddr, 0u);
			EXPECT_NE(im->import[i].got_vaddr, 0u);
			EXPECT_STREQ(im->import[i].version, "GLIBC_2.2.5");
		}
	EXPECT_EQ(n, 1u);
}

TEST_F(ImageBuilt, Kinds)
{
	struct { const char *cc; enum image_kind kind;
	} k[] = { { "gcc", IMAGE_PIE },
		  { "gcc -no-pie", IMAGE_EXEC },
		  { "gcc -static", IMAGE_STATIC },
		  { "gcc -static-pie", IMAGE_STATIC_PIE },
		  { "gcc -shared -fPIC", IMAGE_DSO },
		  { "gcc -shared -fPIC -Wl,-soname,x.so", IMAGE_DSO },
		  { "musl-gcc", IMAGE_PIE },
		  { "musl-gcc -static", IMAGE_STATIC },
		  { "musl-gcc -shared -fPIC", IMAGE_DSO },
		  { "clang-19 -fuse-ld=lld", IMAGE_PIE },
		  { "clang-19 -fuse-ld=lld -shared -fPIC", IMAGE_DSO },
		  { "gcc -fuse-ld=gold -pie", IMAGE_PIE },
		  { "gcc -fuse-ld=gold -static", IMAGE_STATIC } };
	for (auto &c : k) {
		bool skip;
		struct image *im = build(c.cc, SRC "calls.c", &skip);
		if (!skip) {
			ASSERT_TRUE(im);
			EXPECT_EQ(im->kind, c.kind) << c.cc;
		}
	}
	if (!access("/lib/ld-musl-x86_64.so.1", R_OK))
		EXPECT_EQ(image("/lib/ld-musl-x86_64.so.1")->kind, IMAGE_DSO);
	EXPECT_EQ(image("/lib64/ld-linux-x86-64.so.2")->kind, IMAGE_DSO);
}

// .symtab's functions too, versions split off their names.
TEST_F(ImageBuilt, LocalFunctions)
{
	bool skip;
	struct image *im = build("gcc -O0", SRC "probe.c", &skip);
	ASSERT_TRUE(im);
	std::set<std::string> names;
	for (size_t i = 0; i < im->n_sym; i++) {
		names.insert(im->sym[i].name);
		EXPECT_EQ(strchr(im->sym[i].name, '@'), nullptr) << im->sym[i].name;
		if (i)
			EXPECT_FALSE(im->sym[i].vaddr == im->sym[i - 1].vaddr &&
				     !strcmp(im->sym[i].name, im->sym[i - 1].name));
	}
	EXPECT_TRUE(names.count("main") && names.count("check") && names.count("construct"));
}

INSTANTIATE_TEST_SUITE_P(Debian, ImageTest,
			 testing::Values("/usr/sbin/nginx", "/usr/bin/openssl", "/usr/bin/sqlite3",
					 "/usr/bin/redis-server", "/usr/bin/python3.11",
					 "/usr/lib/x86_64-linux-gnu/libssl.so.3",
					 "/usr/lib/x86_64-linux-gnu/libcrypto.so.3",
					 "/usr/lib/x86_64-linux-gnu/libc.so.6",
					 "/usr/lib/x86_64-linux-gnu/libstdc++.so.6"),
			 [](const testing::TestParamInfo<const char *> &i) {
				 std::string s = strrchr(i.param, '/') + 1;
				 for (char &c : s)
					 c = isalnum((unsigned char)c) ? c : '_';
				 return s;
			 });

} // namespace
