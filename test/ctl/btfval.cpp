// SPDX-License-Identifier: MIT
// Values as text, and BTF or bytes that do not fit together.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "btfval.h"

struct Btfval : testing::Test {
	struct btf *btf = btf__new_empty();
	int u32 = btf__add_int(btf, "unsigned int", 4, 0);
	int chr = btf__add_int(btf, "char", 1, BTF_INT_SIGNED);

	void TearDown() override { btf__free(btf); }

	std::string text(uint32_t id, const std::string &bytes)
	{
		char *buf = nullptr;
		size_t n = 0;
		FILE *f = open_memstream(&buf, &n);
		btfval_text(f, btf, id, bytes.data(), bytes.size());
		fclose(f);
		std::string s(buf, n);
		free(buf);
		return s;
	}
};

TEST_F(Btfval, StructIsACInitialiser)
{
	int arr = btf__add_array(btf, u32, chr, 16);
	int st = btf__add_struct(btf, "s", 20);
	btf__add_field(btf, "n", u32, 0, 0);
	btf__add_field(btf, "name", arr, 32, 0);
	EXPECT_EQ(text(st, std::string("\x2a\0\0\0GET \"/\"\r\n\x01\0ju", 17)),
		  "{.n = 42, .name = \"GET \\\"/\\\"\\r\\n\\x01\"}");
}

// A record in a ring may end before the last array of its type does.
TEST_F(Btfval, ShortRecordShowsWhatIsThere)
{
	int arr = btf__add_array(btf, u32, chr, 4096);
	int st = btf__add_struct(btf, "s", 4100);
	btf__add_field(btf, "n", u32, 0, 0);
	btf__add_field(btf, "data", arr, 32, 0);
	EXPECT_EQ(text(st, std::string("\1\0\0\0abc", 7)), "{.n = 1, .data = \"abc\"}");
	EXPECT_EQ(text(st, std::string("\1\0", 2)), "{.n = ?, .data = ?}");
}

TEST_F(Btfval, TypesThatContainThemselvesEnd)
{
	int st = btf__add_struct(btf, "s", 4);
	btf__add_field(btf, "self", st, 0, 0);
	btf__add_field(btf, "again", st, 0, 0);
	std::string s = text(st, std::string(4, 0));
	EXPECT_NE(s.find('?'), s.npos);

	int a = btf__add_array(btf, u32, st + 1, 3);	// an array of itself
	EXPECT_EQ(a, st + 1);
	EXPECT_EQ(btfval_size(btf, a), -1);
	EXPECT_EQ(text(a, "abcd"), "?");
}

// As many members as a struct can have, each the same again, or bits.
TEST_F(Btfval, WhatIsPrintedIsBoundedByTheBytes)
{
	int st = btf__add_struct(btf, "s", 4);
	for (int i = 0; i < 65535; i++)
		btf__add_field(btf, "", i % 2 ? st : u32, 0, i % 2 ? 0 : 1);
	EXPECT_LT(text(st, std::string(4, 0)).size(), 10000u);
}

TEST_F(Btfval, HugeAndEmptyArraysEnd)
{
	int none = btf__add_struct(btf, "none", 0);
	int a = btf__add_array(btf, u32, none, 0x7fffffff);
	EXPECT_EQ(text(a, ""), "[]");
	int b = btf__add_array(btf, u32, u32, 0x7fffffff);
	EXPECT_EQ(text(b, "\1\0\0\0"), "?");	// larger than any value
}

TEST_F(Btfval, IdsOutsideTheBtfAreNull)
{
	EXPECT_EQ(text(9999, "abcd"), "?");
	EXPECT_EQ(text(btf__add_typedef(btf, "t", 9999), "abcd"), "?");
	int td = btf__add_typedef(btf, "loop", btf__type_cnt(btf));
	EXPECT_EQ(text(td, "abcd"), "?");
	EXPECT_FALSE(btfval_is_scalar(btf, td, nullptr));
}
