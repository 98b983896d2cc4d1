// SPDX-License-Identifier: MIT
// What the unit says about an object, against what its source says.
#include <gtest/gtest.h>

#include "compile.h"
#include "objfmt.h"

TEST(Unit, NamesProgramsAndSections)
{
	NEED_CLANG();
	Relocated r(compile_bpf("maps"));
	ASSERT_EQ(r.err, 0) << r.text;
	ASSERT_EQ(r.u->n_prog, 2u);
	const struct unit_prog *p = r.prog("second_prog");
	ASSERT_TRUE(p);
	EXPECT_STREQ(p->sec, "uretprobe//bin/true:main");
	EXPECT_STREQ(p->spec, "/bin/true:main");
	EXPECT_EQ(p->kind, HOOK_uretprobe);
	EXPECT_EQ(p->type, PROG_KPROBE);
	EXPECT_STREQ(r.u->license, "GPL");
}

TEST(Unit, DataMapsHoldFirstContents)
{
	NEED_CLANG();
	Relocated r(compile_bpf("maps"));
	ASSERT_EQ(r.err, 0) << r.text;
	ASSERT_TRUE(r.map(".rodata"));
	EXPECT_EQ(r.map(".rodata")->bits, (uint32_t)MAP_BIT_RODATA);
	EXPECT_EQ(r.map(".bss")->bits, (uint32_t)MAP_BIT_DATA);
	EXPECT_EQ(r.data(".rodata.table", 16, 8), 3u);
	EXPECT_EQ(r.data(".data.other", 0, 4), 9u);
	EXPECT_EQ(r.data(".bss.other", 0, 4), 0u);
}

TEST(Unit, LinesPointAtTheSource)
{
	NEED_CLANG();
	Relocated r(compile_bpf("subprogs"));
	ASSERT_EQ(r.err, 0) << r.text;
	const struct unit_prog *p = r.prog("uses_middle");
	ASSERT_TRUE(p);
	ASSERT_EQ(p->n_func, 4u); /* itself, middle, leaf, global_one */
	EXPECT_STREQ(p->func[1].name, "middle");
	EXPECT_STREQ(p->func[2].name, "leaf");
	EXPECT_STREQ(p->func[3].name, "global_one");
	EXPECT_TRUE(p->func[3].global);
	EXPECT_FALSE(p->func[1].global);
	bool found = false;
	for (uint32_t i = p->func[2].insn; i < p->func[3].insn; i++) {
		const struct unit_line *l = unit_line_at(p, i);
		found |= l && std::string(l->text).find("sum += a") != std::string::npos;
	}
	EXPECT_TRUE(found);
	EXPECT_EQ(std::string(unit_src(r.u, p, p->func[2].insn)).rfind("subprogs.bpf.c:", 0), 0u);
	p = r.prog("uses_global");
	for (size_t i = 0; i < p->n_func; i++)
		if (std::string(p->func[i].name) == "hidden_one")
			EXPECT_FALSE(p->func[i].global) << "a hidden function counts as static";
	p = r.prog("uses_callbacks");
	ASSERT_EQ(p->n_func, 4u);
	EXPECT_TRUE(p->func[1].callback);
	EXPECT_FALSE(p->func[2].callback);
}

TEST(Unit, PointersInGlobalDataAreWarnedOf)
{
	NEED_CLANG();
	Relocated r(compile_text("#include \"vmlinux.h\"\n#include <bpf/bpf_helpers.h>\n"
				 "int a, b; int *p[] = { &a, &b };\n"
				 "SEC(\"uprobe\") int f(void *c) { return !p[1]; }\n"));
	ASSERT_EQ(r.err, 0) << r.text;
	EXPECT_NE(r.text.find("2 pointers in global data"), std::string::npos) << r.text;
}

TEST(Unit, StaticMapsAreMapsToo) /* libbpf refuses them; clang emits section + addend */
{
	NEED_CLANG();
	Relocated r(compile_text(R"(
		#include "vmlinux.h"
		#include <bpf/bpf_helpers.h>
		static struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1);
			__type(key, u32); __type(value, u64); } one SEC(".maps");
		static struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2);
			__type(key, u32); __type(value, u64); } two SEC(".maps");
		SEC("uprobe") int f(void *ctx)
		{
			u32 k = 0;
			u64 *v = bpf_map_lookup_elem(&two, &k);
			u64 *w = bpf_map_lookup_elem(&one, &k);
			return v && w;
		})"));
	ASSERT_EQ(r.err, 0) << r.text;
	const struct unit_prog *p = r.prog("f");
	std::string seen;
	for (uint32_t i = 0; i < p->n_insn; i++)
		if (p->insn[i].code == BPFI_LD_IMM64 && p->insn[i].src == BPFI_LD_MAP)
			seen += std::string(r.u->map[p->insn[i].imm].name) + " ";
	EXPECT_EQ(seen, "two one ");
}

TEST(Unit, MapsHoldProgramsAndMaps)
{
	NEED_CLANG();
	Relocated r(compile_bpf("values"));
	ASSERT_EQ(r.err, 0) << r.text;
	std::string seen;
	for (const char *name : { "outer", "outer_hash", "jumps" }) {
		const struct unit_map *m = r.map(name);
		for (size_t i = 0; i < m->n_slots; i++)
			seen += std::string(name) + "[" + std::to_string(m->slots[i].slot) + "]=" +
				(m->type == 3 ? r.u->prog[m->slots[i].target].name
					      : r.u->map[m->slots[i].target].name) +
				" ";
	}
	EXPECT_EQ(seen,
		  "outer[1]=inner_a outer[3]=inner_b jumps[0]=target_two jumps[4]=target_one ");
	ASSERT_GE(r.map("outer")->inner, 0);
	const struct unit_map *in = &r.u->map[r.map("outer")->inner];
	EXPECT_STREQ(in->name, "outer.inner");
	EXPECT_EQ(in->max_entries, 2u);
	EXPECT_EQ(r.u->map[r.map("outer_hash")->inner].key_size, 8u);
	EXPECT_EQ(r.map("jumps")->inner, -1);
}
