// SPDX-License-Identifier: MIT
// A payload is placed, relocated, mapped where it was placed, and called.
#include <gtest/gtest.h>

#include <sys/mman.h>

#include <cstring>
#include <string>

#include "file.h"
#include "payload.h"
#include "rt.h"

struct Payload : testing::Test {
	arena *a = arena_new();
	diags dg = {};
	bytes archive, hook_a, hook_b;
	lnk *l;
	lnk_size size = {};
	bytes rx = {}, rw = {};
	uint8_t *base = nullptr;
	size_t total = 0;

	void SetUp() override
	{
		ASSERT_EQ(file_read(a, TEST_RT, &archive, nullptr, &dg), 0);
		ASSERT_EQ(file_read(a, TEST_HOOK_A, &hook_a, nullptr, &dg), 0);
		ASSERT_EQ(file_read(a, TEST_HOOK_B, &hook_b, nullptr, &dg), 0);
		l = lnk_new(a, archive);
	}
	void TearDown() override
	{
		if (base)
			munmap(base, total);
		arena_free(a);
	}
	// Places the payload in this process.
	void place(lnk_target t, uint64_t tramp = 0, uint64_t cfi = 0)
	{
		t.start = "bpftime_rt1_init";
		ASSERT_EQ(lnk_layout(l, &t, tramp, cfi, &size, &dg), 0) << dg.first_text;
		uint64_t rx_pages = (size.rx_bytes + 4095) / 4096 * 4096;
		total = rx_pages + size.rw_bytes;
		base = (uint8_t *)mmap(nullptr, total, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ASSERT_NE(base, MAP_FAILED);
		ASSERT_EQ(lnk_place(l, (uint64_t)base, (uint64_t)base + rx_pages, &dg), 0);
	}
	void finish()
	{
		ASSERT_EQ(lnk_finish(l, &rx, &rw, &dg), 0) << dg.first_text;
		ASSERT_EQ(rx.n, size.rx_bytes);
		ASSERT_EQ(rw.n, size.rw_bytes);
		memcpy(base, rx.p, rx.n);
		memcpy(base + total - rw.n, rw.p, rw.n);
		ASSERT_EQ(mprotect(base, total - rw.n, PROT_READ | PROT_EXEC), 0);
	}
	template <typename T> T at(const char *name)
	{
		uint64_t v = 0;
		EXPECT_TRUE(lnk_symbol(l, name, &v)) << name;
		return (T)v;
	}
	const bpftime_payload *header() { return (const bpftime_payload *)base; }
};

typedef void entry_fn(uint64_t);
typedef uint64_t rt_fn(uint64_t);

TEST_F(Payload, RunsWhereItWasPlaced)
{
	ASSERT_EQ(lnk_add_object(l, "a.hook.o", hook_a, false, &dg), 0) << dg.first_text;
	uint32_t at0 = lnk_add_attach(l, 0, "SSL_write", 42);
	uint32_t at1 = lnk_add_attach(l, 1, nullptr, 0);
	place({0, "/tmp/maps", "/usr/sbin/nginx", {(const uint8_t *)"\x01\x02", 2}}, 64, 16);
	memset(lnk_tramp_bytes(l), 0xcc, 64);
	memset(lnk_cfi_bytes(l), 0xee, 16);
	lnk_set_site(l, at0, (uint64_t)base + 0x100000);
	finish();

	EXPECT_EQ(header()->magic, OBJFMT_PAYLOAD_MAGIC);
	EXPECT_EQ(at<const bpftime_payload *>("bpftime_rt1_payload"), header());
	EXPECT_STREQ(BPFTIME_REL(const char, header()->dir_rel), "/tmp/maps");
	EXPECT_STREQ(BPFTIME_REL(const char, header()->target_rel), "/usr/sbin/nginx");
	EXPECT_EQ(header()->target_id_bytes, 2u);
	EXPECT_EQ(header()->target_id[1], 2);
	ASSERT_EQ(header()->n_attach, 2u);
	const bpftime_attach *row = BPFTIME_REL(const bpftime_attach, header()->attach_rel);
	EXPECT_EQ(BPFTIME_REL(uint8_t, row[0].site_rel), base + 0x100000);
	EXPECT_STREQ(BPFTIME_REL(const char, row[0].symbol_rel), "SSL_write");
	EXPECT_EQ(row[0].cookie, 42u);
	EXPECT_EQ(row[1].hook, 1u);
	EXPECT_EQ(row[1].site_rel, 0);
	EXPECT_EQ(row[1].symbol_rel, 0);
	EXPECT_EQ(*(uint8_t *)lnk_tramp_vaddr(l), 0xcc);
	EXPECT_EQ(*(uint8_t *)(lnk_cfi_vaddr(l) + 15), 0xee);

	// The enable words start as zero and are where the runtime thinks they are.
	uint32_t *w0 = (uint32_t *)lnk_word_vaddr(l, at0), *w1 = (uint32_t *)lnk_word_vaddr(l, at1);
	EXPECT_EQ(*w0 | *w1, 0u);
	EXPECT_EQ(at<rt_fn *>("bpftime_rt1_init")(0), (uint64_t)'h');
	EXPECT_EQ(*w0 & *w1, RT_ENABLED);

	// The entry reaches .rodata, its room and the runtime's data.
	const bpftime_map *map;
	const int32_t *list = BPFTIME_REL(const int32_t, header()->objects_rel);
	const objfmt_object *o = BPFTIME_REL(const objfmt_object, list[0]);
	map = BPFTIME_REL(const bpftime_map, o->maps_rel);
	uint64_t *room = BPFTIME_REL(uint64_t, map[0].room_rel);
	EXPECT_EQ((uintptr_t)room % 4096, 0u);
	EXPECT_EQ(room[0], 0u);
	((entry_fn *)lnk_entry_vaddr(l, 0))(10);
	((entry_fn *)lnk_entry_vaddr(l, 0))(1);
	EXPECT_EQ(room[0], 33u);
	EXPECT_EQ(*at<uint64_t *>("bpftime_rt1_hits"), 7u);
	uint64_t four = 4;
	EXPECT_EQ(((rt_fn *)lnk_body_vaddr(l, 0))((uint64_t)&four), 37u);
	EXPECT_EQ(((rt_fn *)lnk_entry_vaddr(l, 1))(9), 9u);
	EXPECT_EQ(lnk_body_vaddr(l, 1), 0u);

	// The map with a slot.
	EXPECT_EQ(map[0].slot_rel, 0);
	uint64_t *slot = BPFTIME_REL(uint64_t, map[1].slot_rel);
	EXPECT_EQ(*slot, 0u);
	EXPECT_GE((uint8_t *)slot, base + total - rw.n);
	EXPECT_EQ(BPFTIME_REL(const objfmt_object, map[1].object_rel), o);
}

TEST_F(Payload, TellsWhatHooksAre)
{
	ASSERT_EQ(lnk_add_object(l, "a.hook.o", hook_a, false, &dg), 0) << dg.first_text;
	ASSERT_EQ(lnk_add_object(l, "b.hook.o", hook_b, false, &dg), 0) << dg.first_text;
	ASSERT_EQ(lnk_n_hooks(l), 3u);
	const struct lnk_hook *h = lnk_hook(l, 0);
	EXPECT_STREQ(h->object, "hook_a");
	EXPECT_STREQ(h->prog, "count");
	EXPECT_STREQ(h->sec, "uprobe/x:y");
	EXPECT_EQ(h->row->cookie, 7u);
	EXPECT_EQ(h->stamp->hash[0], 0xaa);
	EXPECT_EQ(h->insns, 10u);
	EXPECT_EQ(h->saved_regs, 2u);
	EXPECT_EQ(h->atomics, 1u);
	EXPECT_EQ(lnk_hook(l, 2)->object_index, 1u);
	EXPECT_EQ(lnk_hook(l, 2)->stamp->hash[0], 0xbb);
}

// What an entry does stands in a trampoline itself: there it does what it does in its own place.
TEST_F(Payload, BodiesCanStandElsewhere)
{
	ASSERT_EQ(lnk_add_object(l, "a.hook.o", hook_a, false, &dg), 0) << dg.first_text;
	ASSERT_EQ(lnk_add_object(l, "b.hook.o", hook_b, false, &dg), 0) << dg.first_text;
	const code_body *b = lnk_hook(l, 2)->body;
	ASSERT_TRUE(b && b->simple);
	ASSERT_EQ(b->n, 2u);
	uint32_t n = b->step[0].len;
	EXPECT_EQ(n, 8u);
	place({}, 64);
	uint8_t *tramp = lnk_tramp_bytes(l);
	ASSERT_TRUE(lnk_put_step(l, 2, &b->step[0], lnk_tramp_vaddr(l), tramp));
	tramp[n] = 0xc3;
	finish();
	const int32_t *list = BPFTIME_REL(const int32_t, header()->objects_rel);
	auto o = BPFTIME_REL(const objfmt_object, list[1]);
	auto m = BPFTIME_REL(const bpftime_map, o->maps_rel);
	uint64_t *room = BPFTIME_REL(uint64_t, m->room_rel);
	((entry_fn *)lnk_entry_vaddr(l, 2))(0);
	((entry_fn *)lnk_tramp_vaddr(l))(0);
	EXPECT_EQ(room[1], 2u);
	// A trampoline too far away for its operand.
	EXPECT_FALSE(lnk_put_step(l, 2, &b->step[0], lnk_tramp_vaddr(l) + (1ull << 32), tramp));
}

TEST_F(Payload, ObjectsOfOnePayloadKeepTheirNames)
{
	ASSERT_EQ(lnk_add_object(l, "a.hook.o", hook_a, false, &dg), 0) << dg.first_text;
	ASSERT_EQ(lnk_add_object(l, "b.hook.o", hook_b, false, &dg), 0) << dg.first_text;
	place({});
	finish();
	((entry_fn *)lnk_entry_vaddr(l, 0))(1);
	((entry_fn *)lnk_entry_vaddr(l, 2))(1);
	((entry_fn *)lnk_entry_vaddr(l, 2))(1);
	const int32_t *list = BPFTIME_REL(const int32_t, header()->objects_rel);
	uint64_t *room[2];
	for (int i = 0; i < 2; i++) {
		auto o = BPFTIME_REL(const objfmt_object, list[i]);
		auto m = BPFTIME_REL(const bpftime_map, o->maps_rel);
		room[i] = BPFTIME_REL(uint64_t, m->room_rel);
	}
	EXPECT_EQ(room[0][0], 3u);
	EXPECT_EQ(room[1][1], 2u);
}

// __start_ and __stop_ span the sections of members in use, and only those.
TEST_F(Payload, LeavesOutWhatNobodyNeeds)
{
	ASSERT_EQ(lnk_add_object(l, "a.hook.o", hook_a, false, &dg), 0) << dg.first_text;
	lnk_require(l, "bpftime_rt1_tramp_sum");
	place({});
	finish();
	EXPECT_EQ(at<rt_fn *>("bpftime_rt1_tramp_sum")(0), 21u);
	uint64_t v;
	EXPECT_FALSE(lnk_symbol(l, "rt_unused", &v));
	const uint8_t dead[] = {0x44, 0x33, 0x22, 0x11};
	EXPECT_EQ(memmem(rx.p, rx.n, dead, sizeof(dead)), nullptr);
	EXPECT_NE(memmem(hook_a.p, hook_a.n, dead, sizeof(dead)), nullptr);
}

// Unwind information is kept of what is kept, each time anew.
TEST_F(Payload, UnwindInformation)
{
	ASSERT_EQ(lnk_add_object(l, "a.hook.o", hook_a, false, &dg), 0) << dg.first_text;
	for (int round = 0; round < 2; round++) {
		place({}, 0, 32);
		lnk_fde fde[2];
		ASSERT_EQ(lnk_n_fdes(l), 2u);	// not that of `dead`
		lnk_fdes(l, fde);
		EXPECT_EQ(fde[0].pc_vaddr, lnk_body_vaddr(l, 0));
		EXPECT_EQ(fde[1].pc_vaddr, lnk_entry_vaddr(l, 1));
		EXPECT_LT(fde[1].fde_vaddr, lnk_cfi_vaddr(l));
		if (!round)
			munmap(base, total);
	}
	finish();
}

TEST_F(Payload, GotLoadsBecomeAddresses)
{
	ASSERT_EQ(lnk_add_object(l, "a.hook.o", hook_a, false, &dg), 0) << dg.first_text;
	lnk_require(l, "bpftime_rt1_tramp_got");
	place({});
	finish();
	EXPECT_EQ(at<rt_fn *>("bpftime_rt1_tramp_got")(10), (10u * 2 + 2) * 2);
}

TEST_F(Payload, IdTellsInputsApart)
{
	uint8_t first[32];
	ASSERT_EQ(lnk_add_object(l, "a.hook.o", hook_a, false, &dg), 0);
	lnk_add_attach(l, 0, "f", 1);
	place({});
	finish();
	memcpy(first, header()->id, 32);
	for (uint64_t cookie : {1, 2}) {
		bytes rx2, rw2;
		lnk *l2 = lnk_new(a, archive);
		lnk_target t = {};
		t.start = "bpftime_rt1_init";
		ASSERT_EQ(lnk_add_object(l2, "elsewhere/a.hook.o", hook_a, false, &dg), 0);
		lnk_add_attach(l2, 0, "f", cookie);
		ASSERT_EQ(lnk_layout(l2, &t, 0, 0, &size, &dg), 0);
		ASSERT_EQ(lnk_place(l2, (uint64_t)base, (uint64_t)base + total - rw.n, &dg), 0);
		ASSERT_EQ(lnk_finish(l2, &rx2, &rw2, &dg), 0);
		ASSERT_EQ(rx2.n, rx.n);
		EXPECT_EQ(!memcmp(rx.p, rx2.p, rx.n), cookie == 1);
		EXPECT_EQ(!memcmp(((const bpftime_payload *)rx2.p)->id, first, 32), cookie == 1);
	}
}

TEST_F(Payload, LayoutMayBeRepeated)
{
	ASSERT_EQ(lnk_add_object(l, "a.hook.o", hook_a, false, &dg), 0);
	lnk_require(l, "bpftime_rt1_tramp_sum");
	lnk_target t = {};
	t.start = "bpftime_rt1_init";
	lnk_size one, two;
	ASSERT_EQ(lnk_layout(l, &t, 0, 0, &one, &dg), 0);
	ASSERT_EQ(lnk_layout(l, &t, 4096, 0, &two, &dg), 0);
	EXPECT_GE(two.rx_bytes, one.rx_bytes + 4000);
	place(t);
	EXPECT_EQ(size.rx_bytes, one.rx_bytes);
	finish();
	EXPECT_EQ(at<rt_fn *>("bpftime_rt1_tramp_sum")(0), 21u);
}

// What is weak is 0 unless its file is there for another reason, as with any linker.
TEST_F(Payload, WeakReferencesTakeNothing)
{
	ASSERT_EQ(lnk_add_object(l, "a.hook.o", hook_a, false, &dg), 0);
	lnk_require(l, "bpftime_rt1_tramp_weak");
	place({});
	finish();
	uint64_t v;
	EXPECT_FALSE(lnk_symbol(l, "rt_optional", &v));
	EXPECT_EQ(at<rt_fn *>("bpftime_rt1_tramp_weak")(0), 0u);
	EXPECT_EQ(std::string((char *)rx.p, rx.n).find("\x44\x33\x22\x11"), std::string::npos);
	munmap(base, total);

	lnk_require(l, "rt_unused");
	place({});
	finish();
	EXPECT_EQ(at<rt_fn *>("bpftime_rt1_tramp_weak")(0), 0x77u);
}

// The RW part ends with what is zero: control area, zeroed rooms, slots, bss.
TEST_F(Payload, ZerosComeLast)
{
	ASSERT_EQ(lnk_add_object(l, "a.hook.o", hook_a, false, &dg), 0);
	place({});
	finish();
	EXPECT_LT(size.rw_file_bytes, 4096u);
	for (uint64_t i = size.rw_file_bytes; i < rw.n; i++)
		ASSERT_EQ(rw.p[i], 0) << i;
	EXPECT_GE(at<uint8_t *>("bpftime_rt1_control") - (base + total - rw.n), (int64_t)size.rw_file_bytes);
	EXPECT_EQ(BPFTIME_REL(uint8_t, header()->rw_rel), base + total - rw.n);
	EXPECT_EQ(header()->rw_bytes, rw.n);
}

TEST_F(Payload, RequiredSymbolsMustExist)
{
	ASSERT_EQ(lnk_add_object(l, "a.hook.o", hook_a, false, &dg), 0);
	lnk_require(l, "bpftime_rt1_no_such_thing");
	lnk_target t = {};
	EXPECT_EQ(lnk_layout(l, &t, 0, 0, &size, &dg), -DIAG_L012);
}

TEST_F(Payload, PartsMustBeNear)
{
	ASSERT_EQ(lnk_add_object(l, "a.hook.o", hook_a, false, &dg), 0);
	lnk_target t = {};
	ASSERT_EQ(lnk_layout(l, &t, 0, 0, &size, &dg), 0);
	EXPECT_EQ(lnk_place(l, 0x10000, 0x100000000, &dg), -DIAG_L007);
	EXPECT_EQ(lnk_place(l, 0x10000, 0x20001, &dg), -DIAG_I001);
}
