// SPDX-License-Identifier: MIT
// Damaged and made-up files: every one is either refused or patched so that it can be
// reverted; none is read beyond its end (the bytes end at an inaccessible page).
#include "payload.h"

#include "audit_priv.h"

#include <random>

#include <sys/mman.h>

namespace {

struct Guarded {
	uint8_t *base;
	size_t room, n = 0;

	explicit Guarded(size_t max) : room((max + 4095) / 4096 * 4096)
	{
		base = (uint8_t *)mmap(nullptr, room + 4096, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		mprotect(base + room, 4096, PROT_NONE);
	}
	~Guarded() { munmap(base, room + 4096); }
	uint8_t *put(const std::string &s)
	{
		n = s.size();
		return (uint8_t *)memcpy(base + room - n, s.data(), n);
	}
};

struct Hostile : seg::Test {
	std::mt19937_64 rng{ strtoull(getenv("BPFTIME_SEED") ?: "20", nullptr, 0) };
	size_t accepted = 0, refused = 0;

	uint64_t below(uint64_t n) { return rng() % n; }

	// A place where a header or a table is, more often than not.
	size_t place(const std::string &seed, const struct image *im)
	{
		uint64_t off = 0, len = seed.size();
		switch (below(6)) {
		case 0: len = 64; break;
		case 1: off = im->eh.e_phoff, len = im->eh.e_phnum * 56u; break;
		case 2:
			off = im->n_sh ? im->eh.e_shoff : 0;
			len = im->n_sh ? im->n_sh * 64 : 64;
			break;
		case 3:
			for (size_t i = 0; i < im->eh.e_phnum; i++)
				if (im->ph[i].p_type == PT_DYNAMIC)
					off = im->ph[i].p_offset, len = im->ph[i].p_filesz;
			break;
		case 4:
			if (im->n_sh > 1) {
				const Elf64_Shdr *s = &im->sh[1 + below(im->n_sh - 1)];
				if (s->sh_type != SHT_NOBITS && s->sh_size)
					off = s->sh_offset, len = s->sh_size;
			}
			break;
		default: break;
		}
		return off + below(len);
	}
	void mutate(std::string &s, const struct image *im)
	{
		static const uint64_t odd[] = { 0,
						1,
						7,
						0x40,
						0x1000,
						0x7fffffff,
						0x80000000,
						0xffffffff,
						0x7fffffffffffffff,
						0x8000000000000000,
						~0ull,
						~0ull - 7 };
		for (uint64_t k = 1 + below(4); k--;) {
			size_t at = place(s, im), width = 1u << below(4);
			uint64_t v = below(2)   ? odd[below(12)]
				     : below(3) ? below(s.size() + 64)
						: rng();
			if (below(3))
				at &= ~(width - 1);
			if (at + width <= s.size())
				memcpy(&s[at], &v, width);
		}
		if (!below(8))
			s.resize(below(s.size() + 1));
	}
	// The audit must call a damaged file of ours different, whatever it reads.
	void audit_damaged(const struct image *orig, Guarded &g, const std::string &s)
	{
		struct audit_ctx c = {};
		struct diags d = {};
		struct image *im;
		c.a = arena_new();
		c.o = orig;
		uint8_t *p = g.put(s);
		if (!image_parse(c.a, "hostile", { p, s.size() }, nullptr, &im, &d) &&
		    segment_saved(c.a, im, &c.saved, &d) == 1) {
			c.p = im;
			audit_bytes(&c) ? accepted++ : refused++;
		}
		arena_free(c.a);
	}
	void attempt(Guarded &g, const std::string &s)
	{
		struct arena *b = arena_new();
		struct diags d = {};
		struct image *im;
		uint8_t *p = g.put(s);
		bool ok = false;
		if (!image_parse(b, "hostile", { p, s.size() }, nullptr, &im, &d)) {
			struct bytes meta, back;
			struct segment_saved saved;
			struct diags e = {};
			if (segment_meta(b, im, &meta, &e) == 1)
				segment_revert(b, im, &back, &e);
			segment_saved(b, im, &saved, &e);
			std::vector<cfi_entry> cfi(below(3),
						   cfi_entry{ im->vaddr_end, im->vaddr_end });
			ok = !seg::patch(b, im, &d, nullptr, cfi).err;
		}
		EXPECT_NE(d.first, DIAG_I001) << d.first_text;
		EXPECT_TRUE(ok || d.errors);
		(ok ? accepted : refused)++;
		arena_free(b);
	}
	std::string contents(const std::string &path)
	{
		struct bytes b = {};
		EXPECT_EQ(file_read(a, path.c_str(), &b, nullptr, &dg), 0);
		return std::string((const char *)b.p, b.n);
	}
	// BPFTIME_MUTATIONS: of each seed, instead.
	int rounds(int usual)
	{
		const char *n = getenv("BPFTIME_MUTATIONS");
		return n ? atoi(n) : usual;
	}
	void torture(const std::string &seed, int usual)
	{
		struct image *im;
		Guarded g(seed.size());
		ASSERT_EQ(image_parse(a, "seed", { (const uint8_t *)seed.data(), seed.size() },
				      nullptr, &im, &dg),
			  0);
		for (int i = 0, n = rounds(usual); i < n && !HasFailure(); i++) {
			std::string s = seed;
			mutate(s, im);
			attempt(g, s);
		}
		EXPECT_GT(refused, 0u);
		EXPECT_GT(accepted, 0u);
	}
};

#define SRC BPFTIME_TEST_DIR "/segment/targets/"

TEST_F(Hostile, Programs)
{
	for (const char *flags :
	     { "-pie", "-no-pie -s", "-Wl,--hash-style=sysv", "-fcf-protection=full" }) {
		ASSERT_EQ(shell("gcc " SRC "probe.c -o " + dir + "/x " + flags).status, 0);
		torture(contents(dir + "/x"), 500);
	}
	ASSERT_EQ(shell("g++ " SRC "throw.cpp -o " + dir + "/x").status, 0);
	torture(contents(dir + "/x"), 500);
}

TEST_F(Hostile, SharedObjects)
{
	ASSERT_EQ(shell("gcc -fPIC -shared " SRC "lib.c -o " + dir + "/x").status, 0);
	torture(contents(dir + "/x"), 800);
	SKIP_WITHOUT("/usr/lib/x86_64-linux-gnu/libdl.so.2");
	torture(contents("/usr/lib/x86_64-linux-gnu/libdl.so.2"), 500);
}

TEST_F(Hostile, WithoutSections)
{
	ASSERT_EQ(shell("gcc " SRC "probe.c -o " + dir + "/x").status, 0);
	std::string s = contents(dir + "/x");
	struct image *im = image(dir + "/x");
	uint64_t end = 0;
	for (size_t i = 0; i < im->eh.e_phnum; i++)
		end = std::max(end, im->ph[i].p_offset + im->ph[i].p_filesz);
	s.resize(end);
	memset(&s[offsetof(Elf64_Ehdr, e_shoff)], 0, 8);
	memset(&s[offsetof(Elf64_Ehdr, e_shnum)], 0, 4);
	torture(s, 1000);
}

TEST_F(Hostile, FilesOfOurs)
{
	ASSERT_EQ(shell("gcc " SRC "probe.c -o " + dir + "/x").status, 0);
	struct image *im = image(dir + "/x");
	seg::Patched p = seg::patch(a, im, &dg);
	ASSERT_EQ(p.err, 0);
	std::string s((const char *)p.file.p, p.file.n);
	Guarded g(s.size());
	struct image *again;
	ASSERT_EQ(image_parse(a, "seed", p.file, nullptr, &again, &dg), 0);
	const Elf64_Shdr *meta = image_section(again, ".bpftime.meta");
	for (int i = 0, n = rounds(1000); i < n && !HasFailure(); i++) {
		std::string m = s;
		mutate(m, again);
		if (i % 2 && m.size() >= 8) {	// its own record
			uint64_t v = below(2) ? rng() : below(4096);
			uint64_t at = meta->sh_offset + below(200) / 4 * 4;
			memcpy(&m[std::min<uint64_t>(m.size() - 8, at)], &v, 8);
		}
		attempt(g, m);
		audit_damaged(im, g, m);
	}
	EXPECT_GT(refused, 0u);
}

TEST_F(Hostile, EveryTruncation)
{
	ASSERT_EQ(shell("gcc -s " SRC "probe.c -o " + dir + "/x").status, 0);
	std::string s = contents(dir + "/x");
	Guarded g(s.size());
	for (size_t n = 0; n < s.size(); n += n < 2048 ? 1 : 37)
		attempt(g, s.substr(0, n));
	EXPECT_EQ(accepted, 0u);
}

} // namespace
