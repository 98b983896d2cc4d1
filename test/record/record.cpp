// SPDX-License-Identifier: MIT
// A record survives the file it is stored in, and no bytes crash its reader.
#include <gtest/gtest.h>

#include <random>

#include "record.h"

struct RecordTest : testing::Test {
	struct arena *a = arena_new();
	struct diags dg = {};
	struct record rec = {};
	void SetUp() override
	{
		static const uint8_t obj[] = { 1, 2, 3, 0, 5 }, other[] = { 9 };
		record_add_object(a, &rec, "x.hook.o", { obj, sizeof(obj) });
		record_add_object(a, &rec, "y.hook.o", { other, sizeof(other) });
		record_want w = {};
		w.object = 1;
		w.symbol = "SSL_write";
		w.off_bytes = 4;
		w.cookie = 77;
		record_add_want(a, &rec, &w);
		w = {};
		w.ret = w.has_vaddr = true;
		w.vaddr = 0x401000;
		record_add_want(a, &rec, &w);
		rec.dir = "/run/maps";
	}
	void TearDown() override { arena_free(a); }
};

TEST_F(RecordTest, RoundTrip)
{
	struct record r;
	struct bytes b = record_write(a, &rec);
	ASSERT_EQ(record_read(a, b, "f", &r, &dg), 0);
	ASSERT_EQ(r.n_object, 2u);
	ASSERT_EQ(r.n_want, 2u);
	EXPECT_STREQ(r.object[0].path, "x.hook.o");
	EXPECT_EQ(std::string((const char *)r.object[0].obj.p, r.object[0].obj.n),
		  std::string("\1\2\3\0\5", 5));
	EXPECT_STREQ(r.want[0].symbol, "SSL_write");
	EXPECT_EQ(r.want[0].object, 1u);
	EXPECT_EQ(r.want[0].off_bytes, 4u);
	EXPECT_EQ(r.want[0].cookie, 77u);
	EXPECT_TRUE(r.want[1].ret && r.want[1].has_vaddr);
	EXPECT_EQ(r.want[1].vaddr, 0x401000u);
	EXPECT_STREQ(r.dir, "/run/maps");
	struct bytes again = record_write(a, &r);
	ASSERT_EQ(again.n, b.n);
	EXPECT_EQ(memcmp(again.p, b.p, b.n), 0);
}

TEST_F(RecordTest, EqualOnesAreKeptOnce)
{
	static const uint8_t obj[] = { 1, 2, 3, 0, 5 };
	EXPECT_EQ(record_add_object(a, &rec, "z", { obj, sizeof(obj) }), 0u);
	record_want w = rec.want[0];
	record_add_want(a, &rec, &w);
	EXPECT_EQ(rec.n_want, 2u);
	w.cookie++;
	record_add_want(a, &rec, &w);
	EXPECT_EQ(rec.n_want, 3u);
}

TEST_F(RecordTest, TruncatedIsRefused)
{
	struct bytes b = record_write(a, &rec);
	for (size_t n = 0; n < b.n; n++) {
		struct record r;
		std::vector<uint8_t> copy(b.p, b.p + n);	// exact size: ASan sees over-reads
		EXPECT_EQ(record_read(a, { copy.data(), n }, "f", &r, &dg), -DIAG_P020) << n;
	}
}

TEST_F(RecordTest, MutatedNeverCrashes)
{
	struct bytes b = record_write(a, &rec);
	std::mt19937 rng(1);
	for (int i = 0; i < 20000; i++) {
		std::vector<uint8_t> copy(b.p, b.p + b.n);
		for (int k = 0; k < 3; k++)
			copy[rng() % copy.size()] = (uint8_t)rng();
		struct record r;
		struct arena *tmp = arena_new();
		if (record_read(tmp, { copy.data(), copy.size() }, "f", &r, &dg) == 0)
			for (size_t w = 0; w < r.n_want; w++)
				EXPECT_LT(r.want[w].object, r.n_object);
		arena_free(tmp);
	}
}
