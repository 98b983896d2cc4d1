// SPDX-License-Identifier: MIT
// Mutated objects and archives: each is refused, or makes a payload in which everything the
// runtime follows stays inside.  BPFTIME_FUZZ=N runs N mutations of each kind instead.
#include <gtest/gtest.h>

#include <elf.h>

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "builtin.h"
#include "file.h"
#include "hooks.h"
#include "link.h"
#include "objfile.h"
#include "payload.h"
#include "rt.h"
#include "rt_archive.h"

namespace {

using Bytes = std::vector<uint8_t>;

size_t rounds(size_t usual)
{
	const char *n = getenv("BPFTIME_FUZZ");
	return n ? strtoul(n, nullptr, 0) : usual;
}

const uint64_t RX = 0x40000000, RW = 0x48000000;

// Follows a placed payload as the runtime does, with every step checked.
struct Walk {
	bytes rx, rw;

	static int64_t target(const void *field, uint64_t vaddr)
	{
		int32_t v;
		memcpy(&v, field, 4);
		return v ? (int64_t)vaddr + v : 0;
	}
	bool in_rx(int64_t v, uint64_t n) const
	{
		return v >= (int64_t)RX && v - RX <= rx.n && n <= rx.n - (v - RX);
	}
	bool in_rw(int64_t v, uint64_t n) const
	{
		return v >= (int64_t)RW && v - RW <= rw.n && n <= rw.n - (v - RW);
	}
	const uint8_t *at(int64_t v) const { return rx.p + (v - RX); }
	template <typename T> bool get(int64_t v, T *out) const
	{
		if (!in_rx(v, sizeof(T)))
			return false;
		memcpy(out, at(v), sizeof(T));
		return true;
	}
	bool str(int64_t v) const
	{
		return in_rx(v, 1) && memchr(at(v), 0, rx.n - (v - RX));
	}
	// Value of the self-relative field at `offset` of the struct at `v`.
	int64_t rel(int64_t v, size_t offset) const { return target(at(v + offset), v + offset); }

	const char *map(int64_t v, int64_t object) const
	{
		bpftime_map m;
		if (!get(v, &m) || m.size != sizeof(m))
			return "map";
		if (!str(rel(v, offsetof(bpftime_map, name_rel))))
			return "map name";
		if (rel(v, offsetof(bpftime_map, object_rel)) != object)
			return "map's object";
		int64_t slot = rel(v, offsetof(bpftime_map, slot_rel));
		int64_t room = rel(v, offsetof(bpftime_map, room_rel));
		int64_t init = rel(v, offsetof(bpftime_map, init_rel));
		int64_t inner = rel(v, offsetof(bpftime_map, inner_rel));
		if (slot && (!in_rw(slot, 8) || slot % 8 || room))
			return "slot";
		if (room && (!in_rw(room, m.room_bytes) || room % 4096 || m.room_bytes % 4096))
			return "room";
		if (init && !in_rx(init, m.init_bytes))
			return "init";
		if (inner && !in_rx(inner, sizeof(m)))
			return "inner";
		return nullptr;
	}
	const char *hook(int64_t v) const
	{
		objfmt_hook h;
		if (!get(v, &h) || h.kind >= HOOK_COUNT || h.form > ENTRY_FRAME)
			return "hook";
		if (!str(rel(v, offsetof(objfmt_hook, prog_rel))) ||
		    !str(rel(v, offsetof(objfmt_hook, spec_rel))))
			return "hook name";
		int64_t entry = rel(v, offsetof(objfmt_hook, entry_rel));
		int64_t body = rel(v, offsetof(objfmt_hook, body_rel));
		if ((entry && !in_rx(entry, 1)) || (body && !in_rx(body, 1)) || (!entry && !body))
			return "hook code";
		return nullptr;
	}
	const char *object(int64_t v) const
	{
		objfmt_object o;
		if (!get(v, &o))
			return "object";
		int64_t maps = rel(v, offsetof(objfmt_object, maps_rel));
		int64_t hooks = rel(v, offsetof(objfmt_object, hooks_rel));
		int64_t btf = rel(v, offsetof(objfmt_object, btf_rel));
		if (!str(rel(v, offsetof(objfmt_object, name_rel))))
			return "object name";
		if (!in_rx(rel(v, offsetof(objfmt_object, stamp_rel)), sizeof(objfmt_stamp)))
			return "stamp";
		if (btf && !in_rx(btf, o.btf_bytes))
			return "btf";
		const char *why = nullptr;
		for (uint32_t i = 0; !why && i < o.n_maps; i++)
			why = map(maps + (int64_t)i * sizeof(bpftime_map), v);
		for (uint32_t i = 0; !why && i < o.n_hooks; i++)
			why = hook(hooks + (int64_t)i * sizeof(objfmt_hook));
		return why;
	}
	const char *payload() const
	{
		bpftime_payload h;
		if (!get(RX, &h) || h.magic != OBJFMT_PAYLOAD_MAGIC)
			return "header";
		int64_t control = rel(RX, offsetof(bpftime_payload, control_rel));
		if (!in_rw(control, h.control_bytes) ||
		    h.control_bytes < RT_CONTROL_WORDS_OFF + 4 * h.n_attach)
			return "control";
		for (uint32_t i = 0; i < h.control_bytes; i++)
			if (rw.p[control - RW + i])
				return "control area is not zero";
		int64_t list = rel(RX, offsetof(bpftime_payload, objects_rel));
		for (uint32_t i = 0; i < h.n_objects; i++) {
			if (!in_rx(list + 4 * i, 4))
				return "list";
			const char *why = object(rel(list, 4 * i));
			if (why)
				return why;
		}
		return nullptr;
	}
};

struct Mutator {
	std::mt19937_64 rng;

	uint64_t below(uint64_t n) { return rng() % n; }
	uint64_t value()
	{
		static const uint64_t some[] = {
			0, 1, 2, 3, 4, 7, 8, 16, 24, 63, 64, 0x7f, 0x80, 0xff, 0xfff, 0x1000,
			0x1001, 0x7fff, 0xff00, 0xffff, 0x10000, 0x7fffffff, 0x80000000,
			0xfffffff8, 0xffffffff, 0x100000000, 0x7fffffffffffffff,
			0xfffffffffffff000, 0xffffffffffffffff};
		return below(4) ? some[below(sizeof(some) / sizeof(some[0]))] : rng();
	}
	// A place that means something: in the header, section headers, symbols, relocations or
	// tables, or anywhere.
	size_t place(const Bytes &b)
	{
		Elf64_Ehdr eh;
		if (b.size() < sizeof(eh) || !below(8))
			return below(b.size());
		memcpy(&eh, b.data(), sizeof(eh));
		if (!below(10))
			return below(sizeof(eh));
		if (!eh.e_shnum || eh.e_shoff > b.size() ||
		    eh.e_shnum * 64ull > b.size() - eh.e_shoff)
			return below(b.size());
		size_t sh = eh.e_shoff + below(eh.e_shnum) * 64;
		Elf64_Shdr s;
		memcpy(&s, b.data() + sh, sizeof(s));
		if (!below(3) || !s.sh_size || s.sh_offset >= b.size())
			return sh + below(64);
		return std::min(s.sh_offset + below(s.sh_size), b.size() - 1);
	}
	Bytes operator()(Bytes b)
	{
		for (size_t n = 1 + below(3); n--;) {
			size_t width = 1ull << below(4), at = place(b) & ~(width - 1);
			uint64_t v = value(), old = 0;
			if (at + width > b.size())
				continue;
			memcpy(&old, b.data() + at, width);
			if (!below(3))
				v = old + below(17) - 8;
			else if (!below(4))
				v = old ^ 1ull << below(8 * width);
			memcpy(b.data() + at, &v, width);
		}
		if (!below(50))
			b.resize(below(b.size()));
		return b;
	}
};

struct Fuzz : testing::Test {
	arena *a = arena_new();
	diags dg = {};
	bytes archive, real = rt_archive();
	std::vector<Bytes> good;

	void SetUp() override
	{
		// BPFTIME_RT: libbpftime_rt.a of an ordinary build, where this one has sanitizers in its own.
		if (const char *rt = getenv("BPFTIME_RT"))
			ASSERT_EQ(file_read(a, rt, &real, nullptr, &dg), 0);
		ASSERT_EQ(file_read(a, TEST_RT, &archive, nullptr, &dg), 0);
		for (const char *path : {TEST_HOOK_A, TEST_HOOK_B}) {
			bytes b;
			ASSERT_EQ(file_read(a, path, &b, nullptr, &dg), 0);
			good.emplace_back(b.p, b.p + b.n);
		}
		bytes count = lnk_builtin_count(a, {}, true);
		good.emplace_back(count.p, count.p + count.n);
		link_input in[] = {{"a", {good[0].data(), good[0].size()}},
				   {"b", {good[1].data(), good[1].size()}}};
		bytes joined;
		ASSERT_EQ(link_objects(a, in, 2, &joined, &dg), 0);
		good.emplace_back(joined.p, joined.p + joined.n);
	}
	void TearDown() override { arena_free(a); }

	// 1: made a payload, 0: refused.  Fails the test when neither is clean.
	int try_payload(const Bytes &obj, bytes rt)
	{
		arena *t = arena_new();
		diags d = {};
		lnk_target target = {};
		lnk_size size;
		bytes rx, rw;
		lnk *l = lnk_new(t, rt);
		int err = lnk_add_object(l, "mutated", {obj.data(), obj.size()}, true, &d);
		if (!err && lnk_n_hooks(l))
			lnk_set_site(l, lnk_add_attach(l, 0, "f", 0), RX + 0x1000000);
		if (!err)
			err = lnk_layout(l, &target, 64, 64, &size, &d);
		if (!err)
			err = lnk_place(l, RX, RW, &d);
		if (!err)
			err = lnk_finish(l, &rx, &rw, &d);
		if (err) {
			EXPECT_EQ(d.errors, 1u) << d.first_text;
			EXPECT_EQ(diags_exit(&d), EX_REFUSED) << d.first_text;
		} else {
			const char *why = Walk{rx, rw}.payload();
			EXPECT_EQ(why, nullptr) << why;
		}
		arena_free(t);
		return !err;
	}
};

TEST_F(Fuzz, Objects)
{
	size_t made = 0, n = rounds(4000);
	for (const Bytes &g : good)
		ASSERT_EQ(try_payload(g, &g == &good[2] ? real : archive), 1);
	for (size_t i = 0; i < n && !HasFailure(); i++) {
		Mutator m{std::mt19937_64(i)};
		SCOPED_TRACE("seed " + std::to_string(i));
		made += try_payload(m(good[i % good.size()]), i % good.size() == 2 ? real : archive);
	}
	// Neither everything nor nothing is refused, or the mutations are too dull or too wild.
	EXPECT_GT(made, n / 20);
	EXPECT_LT(made, n - n / 20);
}

TEST_F(Fuzz, Archives)
{
	Bytes rt(archive.p, archive.p + archive.n);
	for (size_t i = 0; i < rounds(1000) && !HasFailure(); i++) {
		Mutator m{std::mt19937_64(i)};
		Bytes b = rt;
		SCOPED_TRACE("seed " + std::to_string(i));
		for (size_t k = 1 + m.below(4); k--;)
			b[m.below(b.size())] = (uint8_t)m.value();
		try_payload(good[0], {b.data(), b.size()});
	}
}

// What `link` writes from a mutated object is an object again, and a shared object.
TEST_F(Fuzz, Outputs)
{
	size_t made = 0;
	for (size_t i = 0; i < rounds(1000) && !HasFailure(); i++) {
		Mutator m{std::mt19937_64(i + 1000000)};
		SCOPED_TRACE("seed " + std::to_string(i + 1000000));
		Bytes b = m(good[i % good.size()]);
		arena *t = arena_new();
		diags d = {};
		link_input in[] = {{"mutated", {b.data(), b.size()}},
				   {"good", {good[1].data(), good[1].size()}}};
		bytes out;
		if (!link_objects(t, in, 2, &out, &d)) {
			lnk *l = lnk_new(t, real);
			EXPECT_EQ(lnk_add_object(l, "joined", out, true, &d), 0) << d.first_text;
			made++;
		}
		d = {};
		link_how how = {"x.so", nullptr, true};
		link_shared(t, in, 2, archive, &how, &out, &d);
		arena_free(t);
	}
	EXPECT_GT(made, 0u);
}

TEST_F(Fuzz, CutShort)
{
	for (const Bytes &g : good)
		for (size_t n = 0; n < g.size(); n += n < 128 ? 1 : 61)
			EXPECT_EQ(try_payload(Bytes(g.begin(), g.begin() + n), archive), 0) << n;
}

}  // namespace
