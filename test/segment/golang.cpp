// SPDX-License-Identifier: MIT
// Go's table of functions in the formats of all releases, made by hand after
// src/runtime/symtab.go, and the same damaged.
#include "payload.h"

#include <random>

namespace {

struct Format {
	const char *name;
	uint32_t magic;
	int header;	// words, of which the third is the address of the code in formats with one
	bool relative;
	int record;	// bytes of a function's record before its flags
	bool flags;
};
const Format formats[] = {
	{ "Go1_2", 0xfffffffb, 2, false, 0, false },
	{ "Go1_16", 0xfffffffa, 8, false, 0, false },
	{ "Go1_18", 0xfffffff0, 9, true, 37, true },
	{ "Go1_20", 0xfffffff1, 9, true, 41, true },
};
void PrintTo(const Format &f, std::ostream *o) { *o << f.name; }

enum : uint64_t { BASE = 0x400000, CODE = 0x1000, TABLE = 0x2000, MODULE = 0x3000, SIZE = 0x4000 };
const struct {
	const char *name;
	uint64_t off;
	uint32_t resume;
	bool assembly;
} functions[] = { { "main.main", 0, 0x10, false }, { "main.(*T).f", 0x20, 0, false }, { "runtime.asm", 0x60, 0, true } };
enum { N = 3, END = 0x80 };

struct GoTable : seg::Test, testing::WithParamInterface<Format> {
	std::string s = std::string(SIZE, '\0');

	template <typename T> void put(uint64_t off, T v) { memcpy(&s[off], &v, sizeof(v)); }
	void load(int i, uint64_t off, uint64_t bytes, uint32_t flags)
	{
		Elf64_Phdr p = {};
		p.p_type = PT_LOAD;
		p.p_flags = flags;
		p.p_offset = off;
		p.p_vaddr = p.p_paddr = BASE + off;
		p.p_filesz = p.p_memsz = bytes;
		p.p_align = 0x1000;
		put(sizeof(Elf64_Ehdr) + i * sizeof(p), p);
	}
	// text: what the header says of the code's address; Go 1.26 leaves it empty.
	void make(uint64_t text)
	{
		const Format &f = GetParam();
		Elf64_Ehdr eh = {};
		memcpy(eh.e_ident, "\177ELF\2\1\1", 7);
		eh.e_type = ET_EXEC;
		eh.e_machine = EM_X86_64;
		eh.e_version = EV_CURRENT;
		eh.e_entry = BASE + CODE;
		eh.e_phoff = eh.e_ehsize = sizeof(eh);
		eh.e_phentsize = sizeof(Elf64_Phdr);
		eh.e_phnum = 3;
		put(0, eh);
		load(0, CODE, 0x100, PF_R | PF_X);
		load(1, TABLE, 0x400, PF_R);
		load(2, MODULE, 0x100, PF_R | PF_W);
		memset(&s[CODE], 0xc3, 0x100);
		// struct moduledata: the table's address, six slices, three words, the code's.
		put<uint64_t>(MODULE + 16, BASE + TABLE);
		put<uint64_t>(MODULE + 16 + 8 + 6 * 24 + 24, BASE + CODE);

		uint64_t names = 0x100, records = f.header == 2 ? 0 : 0x200, head = f.header == 2 ? 16 : 0, at = 0x300;
		put(TABLE, f.magic);
		s[TABLE + 6] = 1;
		s[TABLE + 7] = 8;
		put<uint64_t>(TABLE + 8, N);
		if (f.header == 8) {
			put<uint64_t>(TABLE + 24, names);
			put<uint64_t>(TABLE + 56, records);
		} else if (f.header == 9) {
			put<uint64_t>(TABLE + 24, text);
			put<uint64_t>(TABLE + 32, names);
			put<uint64_t>(TABLE + 64, records);
		} else {
			names = 0;
		}
		uint64_t name = 0x100;
		for (int i = 0; i <= N; i++) {
			uint64_t off = i < N ? functions[i].off : uint64_t(END);
			if (f.relative) {
				put<uint32_t>(TABLE + records + 8 * i, off);
				put<uint32_t>(TABLE + records + 8 * i + 4, at - records);
			} else {
				put<uint64_t>(TABLE + records + head + 16 * i, BASE + CODE + off);
				put<uint64_t>(TABLE + records + head + 16 * i + 8, at - records);
			}
			if (i == N)
				break;
			uint64_t r = TABLE + at, e = f.relative ? 4 : 8;
			put<uint32_t>(r + e, name - names);
			put<uint32_t>(r + e + 8, functions[i].resume);
			if (f.flags)
				s[r + f.record] = functions[i].assembly ? 4 : 0;
			strcpy(&s[TABLE + name], functions[i].name);
			name += strlen(functions[i].name) + 1;
			at += 0x40;
		}
	}
	struct image *parse()
	{
		struct image *im = nullptr;
		struct bytes b = { (const uint8_t *)s.data(), s.size() };
		return image_parse(a, "by hand", b, nullptr, &im, &dg) ? nullptr : im;
	}
	void same()
	{
		struct image *im = parse();
		ASSERT_TRUE(im) << dg.first_text;
		ASSERT_TRUE(im->go);
		ASSERT_EQ(im->go->n_fn, (size_t)N);
		for (int i = 0; i < N; i++) {
			const struct image_go_fn *fn = image_go_fn_at(im, BASE + CODE + functions[i].off + 1);
			ASSERT_TRUE(fn);
			EXPECT_EQ(fn->vaddr, BASE + CODE + functions[i].off);
			EXPECT_EQ(fn->end, BASE + CODE + (i + 1 < N ? functions[i + 1].off : uint64_t(END)));
			EXPECT_STREQ(fn->name, functions[i].name);
			EXPECT_EQ(fn->resume_vaddr, functions[i].resume ? fn->vaddr + functions[i].resume : 0);
			EXPECT_EQ(fn->assembly, functions[i].assembly || !GetParam().flags);
		}
		EXPECT_EQ(im->n_sym, (size_t)N);
	}
};

TEST_P(GoTable, IsRead)
{
	make(BASE + CODE);
	same();
}

TEST_P(GoTable, IsReadWithoutTheCodesAddress)
{
	make(0);
	same();
}

TEST_P(GoTable, IsNoneWhenItIsNotInOrder)
{
	make(BASE + CODE);
	uint64_t first = TABLE + (GetParam().header == 2 ? 16 : 0x200);
	s[first] = 0x40;	// behind the second
	struct image *im = parse();
	ASSERT_TRUE(im);
	EXPECT_FALSE(im->go);
	memcpy(&s[MODULE + 0xe0], "\xff Go buildinf:", 14);	// but it is a Go program
	im = parse();
	ASSERT_TRUE(im);
	ASSERT_TRUE(im->go);
	EXPECT_EQ(im->go->n_fn, 0u);
}

TEST_P(GoTable, DamagedIsReadInsideItsBounds)
{
	std::mt19937 random(1);
	make(BASE + CODE);
	const std::string good = s;
	for (int i = 0; i < 20000; i++) {
		for (int k = random() % 4; k >= 0; k--) {
			uint64_t at = TABLE + random() % 0x400;
			s[at] = random() % 3 ? char(random()) : char(0xff);
		}
		if (struct image *im = parse())
			for (size_t n = 0; im->go && n < im->go->n_fn; n++) {
				const struct image_go_fn *fn = &im->go->fn[n];
				ASSERT_LT(fn->vaddr, fn->end);
				ASSERT_TRUE(image_at(im, fn->vaddr, 1));
				ASSERT_TRUE(!fn->name || strlen(fn->name) < 0x400);
			}
		if (i % 8 == 7)
			s = good;
		if (i % 512 == 511) {
			arena_free(a);
			a = arena_new();
		}
	}
}

INSTANTIATE_TEST_SUITE_P(Format, GoTable, testing::ValuesIn(formats),
			 [](const auto &i) { return std::string(i.param.name); });

}
