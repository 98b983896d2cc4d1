// SPDX-License-Identifier: MIT
// --set writes the value where the program reads it, and nowhere else.
#include <gtest/gtest.h>

#include <bpf/btf.h>
#include <cstring>
#include <vector>

#include "compile.h"

static const char *const always = "CONFIG_NO_SUCH_OPTION=1";

struct Set : Relocated {
	explicit Set(std::vector<const char *> v) : Relocated(compile_bpf("set"), with(v)) {}
	static const struct relocate_opts *with(std::vector<const char *> &v)
	{
		static std::vector<const char *> keep;
		static struct relocate_opts o;
		keep = v;
		keep.push_back(always);
		o = {};
		o.set = keep.data();
		o.n_set = keep.size();
		return &o;
	}
	/* First contents of a variable, found through the unit's BTF. */
	std::string var(const char *name) const
	{
		for (size_t i = 0; i < u->n_map; i++) {
			if (!u->map[i].init.n || !u->map[i].value_btf_id)
				continue;
			const struct btf_type *s = btf__type_by_id(u->btf, u->map[i].value_btf_id);
			for (int k = 0; k < btf_vlen(s); k++) {
				const struct btf_var_secinfo *v = btf_var_secinfos(s) + k;
				const struct btf_type *t = btf__type_by_id(u->btf, v->type);
				if (!strcmp(btf__name_by_offset(u->btf, t->name_off), name))
					return std::string((const char *)u->map[i].init.p +
								   v->offset,
							   v->size);
			}
		}
		return "?";
	}
	int64_t num(const char *name) const
	{
		int64_t v = 0;
		std::string s = var(name);
		memcpy(&v, s.data(), s.size() < 8 ? s.size() : 8);
		return v;
	}
};

TEST(SetVariable, WritesEachType)
{
	NEED_CLANG();
	Set r({ "a_u8=255", "a_s16=-2", "a_u32=0x10", "a_s64=-9223372036854775808", "a_bool=true",
		"a_name=xyz", "a_mode=AUTO", "a_big=0x123456789abd", "ports[2]=443", "cfg.pid=77",
		"cfg.bits.hi=2047", "cfg.path=ab", "cfg.list[1]=9", "a_static=-5" });
	ASSERT_EQ(r.err, 0) << r.text;
	EXPECT_EQ(r.num("a_u8"), 255);
	EXPECT_EQ((int16_t)r.num("a_s16"), -2);
	EXPECT_EQ(r.num("a_u32"), 16);
	EXPECT_EQ(r.num("a_s64"), INT64_MIN);
	EXPECT_EQ(r.num("a_bool"), 1);
	EXPECT_EQ(r.var("a_name"), std::string("xyz\0\0\0\0\0", 8));
	EXPECT_EQ((int32_t)r.num("a_mode"), -3);
	EXPECT_EQ(r.num("a_big"), 0x123456789abd);
	std::string ports = r.var("ports");
	EXPECT_EQ(((const uint32_t *)ports.data())[2], 443u);
	EXPECT_EQ(((const uint32_t *)ports.data())[1], 81u);
	EXPECT_EQ((int32_t)r.num("a_static"), -5);
	std::string cfg = r.var("cfg");
	struct {
		int32_t pid;
		uint16_t bits;
		char path[4];
		uint64_t list[2];
	} want = { 77, 2047 << 5, "ab", { 0, 9 } };
	ASSERT_EQ(cfg.size(), sizeof(want));
	EXPECT_EQ(memcmp(cfg.data(), &want, 10), 0);
	EXPECT_EQ(memcmp(cfg.data() + 16, want.list, 16), 0);
	EXPECT_EQ(r.num("CONFIG_NO_SUCH_OPTION"), 1);
}

TEST(SetVariable, RefusesWhatDoesNotFit)
{
	NEED_CLANG();
	for (const char *bad : { "a_u8=256",
				 "a_u8=-1",
				 "a_u8=",
				 "a_u8=1x",
				 "a_u8= 1",
				 "a_s16=40000",
				 "a_s64=9223372036854775808",
				 "a_bool=2",
				 "a_name=abcdefgh",
				 "a_mode=MAYBE",
				 "ports=1",
				 "ports[4]=1",
				 "ports[-1]=1",
				 "ports[x]=1",
				 "ports[1=1",
				 "cfg=1",
				 "cfg.nothing=1",
				 "cfg.bits.lo=32",
				 "cfg[0]=1",
				 "a_pointer=0",
				 "nobody=1",
				 "a_u8",
				 "=1",
				 "a_u8.x=1",
				 "cfg.=1",
				 "cfg.bits.lo[0]=1",
				 "f=1",
				 "LICENSE=MIT" }) {
		Set r({ bad });
		EXPECT_EQ(r.err, -DIAG_R009) << bad << "\n" << r.text;
		EXPECT_NE(r.text.find(bad), std::string::npos) << r.text;
	}
}
