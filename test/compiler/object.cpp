// SPDX-License-Identifier: MIT
// A hook object is what abi/objfmt.h says: tables any linker can join, no libc, no
// absolute relocations, no helper left uninlined, general registers only.
#include "made.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <elf.h>
#include <unistd.h>

#include "hooks.h"
#include "load.h"
#include "rt_archive.h"

static const std::string counter = std::string(bpf_head) + R"(
MAP(calls, ARRAY, __u32, __u64, 1)
SEC("uprobe/x:f") int count(struct pt_regs *ctx)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&calls, &zero);
	if (n)
		__sync_fetch_and_add(n, 1);
	return 0;
}
)";

TEST(Object, CounterIsOneInstruction)
{
	NEED_CLANG();
	Made m(compile_text(counter));
	ASSERT_EQ(m.err, 0);
	auto code = m.code("hook.count");
	ASSERT_EQ(code.size(), 2u);
	EXPECT_EQ(code[0].substr(0, 9), "lock incq");
	EXPECT_EQ(code[1].substr(0, 3), "ret");
}

TEST(Object, TablesSayWhatTheProgramIs)
{
	NEED_CLANG();
	Made m(compile_text(counter));
	ASSERT_EQ(m.err, 0);
	obj_file f = m.read();
	auto o = m.row<objfmt_object>(f, ".bpftime.object");
	EXPECT_EQ(o.version, OBJFMT_OBJECT_VERSION);
	EXPECT_EQ(o.size, sizeof(o));
	EXPECT_EQ(o.n_maps, 1u);
	EXPECT_EQ(o.n_hooks, 1u);
	const obj_sec *btf = m.section(f, ".BTF");
	ASSERT_TRUE(btf);
	EXPECT_EQ(o.btf_bytes, btf->bytes);
	auto h = m.row<objfmt_hook>(f, ".bpftime.hooks");
	EXPECT_EQ(h.kind, HOOK_uprobe);
	EXPECT_EQ(h.form, ENTRY_NATURAL);
	EXPECT_EQ(h.ctx_mask, 0u);
	auto map = m.row<bpftime_map>(f, ".bpftime.maps");
	EXPECT_EQ(map.type, 2u);
	EXPECT_EQ(map.value_size, 8u);
	EXPECT_EQ(map.room_bytes, 4096u);
	auto s = m.row<objfmt_stamp>(f, ".bpftime.stamp");
	EXPECT_EQ(s.verdict, VERDICT_VERIFIED);
	EXPECT_STREQ(s.target, "x86_64-unknown-linux-gnu");
	EXPECT_STREQ(s.cpu, "x86-64");
	const obj_sec *room = m.section(f, ".bpftime.room.calls");
	ASSERT_TRUE(room);
	EXPECT_EQ(room->align, 4096u);
	EXPECT_EQ(room->bytes, 4096u);
}

// libbpf finds the types that a tool prints by in the hook object, as `bpftool btf dump file` does:
// those of keys and values and those with a name.  Contexts, functions and the source are not there.
TEST(Object, LibbpfReadsItsBtf)
{
	NEED_CLANG();
	Made m(compile_text(std::string(bpf_head) + R"(
struct point { int x, y; struct point *next; };
struct event { __u32 pid; char text[12]; enum { LEFT, RIGHT } side; };
const struct event *unused __attribute__((unused));
MAP(points, HASH, __u32, struct point, 8)
SEC("uprobe/x:f") int count(struct pt_regs *ctx)
{
	__u32 key = ctx->di;
	return !bpf_map_lookup_elem(&points, &key);
}
)"));
	ASSERT_EQ(m.err, 0);
	auto map = m.row<bpftime_map>(m.read(), ".bpftime.maps");
	std::string path = m.write();
	struct btf *btf = btf__parse_elf(path.c_str(), nullptr);
	unlink(path.c_str());
	ASSERT_EQ(libbpf_get_error(btf), 0);
	EXPECT_EQ(btf__resolve_size(btf, map.key_btf_id), 4);
	const struct btf_type *t = btf__type_by_id(btf, map.value_btf_id);
	ASSERT_TRUE(t && btf_is_struct(t));
	EXPECT_STREQ(btf__name_by_offset(btf, t->name_off), "point");
	EXPECT_STREQ(btf__name_by_offset(btf, btf_members(t)[2].name_off), "next");
	EXPECT_EQ(btf__type_by_id(btf, btf_members(t)[2].type)->type, map.value_btf_id);
	int id = btf__find_by_name_kind(btf, "event", BTF_KIND_STRUCT);
	ASSERT_GT(id, 0);
	EXPECT_EQ(btf__resolve_size(btf, id), 20);
	t = btf__type_by_id(btf, btf_members(btf__type_by_id(btf, id))[2].type);
	ASSERT_TRUE(btf_is_enum(t));
	EXPECT_STREQ(btf__name_by_offset(btf, btf_enum(t)[1].name_off), "RIGHT");
	EXPECT_LT(btf__find_by_name_kind(btf, "pt_regs", BTF_KIND_STRUCT), 0);
	EXPECT_LT(btf__find_by_name_kind(btf, "count", BTF_KIND_FUNC), 0);
	uint32_t n;
	const void *data = btf__raw_data(btf, &n);
	std::string raw((const char *)data, n);
	for (const char *s : {"bpf_map_lookup_elem", ".bpf.c", "uprobe"})
		EXPECT_EQ(raw.find(s), raw.npos) << s;
	btf__free(btf);
}

TEST(Object, EqualInputsGiveEqualBytes)
{
	NEED_CLANG();
	std::string path = compile_text(counter);
	Made m(path), n(path);
	ASSERT_EQ(m.err, 0);
	ASSERT_EQ(m.obj.n, n.obj.n);
	EXPECT_EQ(memcmp(m.obj.p, n.obj.p, m.obj.n), 0);
}

TEST(Object, StampCoversInstructionsAndMaps)
{
	NEED_CLANG();
	std::string other = counter;
	other.replace(other.find("n, 1)"), 5, "n, 2)");
	std::string bigger = counter;
	bigger.replace(bigger.find("__u64, 1)"), 9, "__u64, 2)");
	Made a(compile_text(counter)), b(compile_text(other)), c(compile_text(bigger));
	objfmt_stamp sa = a.row<objfmt_stamp>(a.read(), ".bpftime.stamp");
	objfmt_stamp sb = b.row<objfmt_stamp>(b.read(), ".bpftime.stamp");
	objfmt_stamp sc = c.row<objfmt_stamp>(c.read(), ".bpftime.stamp");
	EXPECT_NE(memcmp(sa.hash, sb.hash, 32), 0);
	EXPECT_NE(memcmp(sa.hash, sc.hash, 32), 0);
}

TEST(Object, UnverifiedIsMarked)
{
	NEED_CLANG();
	Made m(compile_text(counter), false);
	ASSERT_EQ(m.err, 0);
	obj_file f = m.read();
	EXPECT_EQ(m.row<objfmt_stamp>(f, ".bpftime.stamp").verdict, VERDICT_UNVERIFIED);
	EXPECT_EQ(m.row<objfmt_hook>(f, ".bpftime.hooks").form, ENTRY_FRAME);
}

/* Adding a key happens once a key: what it needs in registers is not saved at every hit. */
TEST(Object, MissingKeysAreHandledOutOfLine)
{
	NEED_CLANG();
	Made m(compile_text(std::string(bpf_head) + R"(
MAP(h, HASH, __u32, __u64, 64)
SEC("uprobe") int count(struct pt_regs *ctx)
{
	__u32 k = ctx->di;
	__u64 one = 1, *v = bpf_map_lookup_elem(&h, &k);
	if (v)
		++*v;
	else
		bpf_map_update_elem(&h, &k, &one, BPF_NOEXIST);
	return 0;
}
SEC("uprobe") int store(struct pt_regs *ctx)
{
	__u32 k = ctx->di;
	__u64 one = 1;
	bpf_map_update_elem(&h, &k, &one, 0);
	return 0;
}
)"));
	ASSERT_EQ(m.err, 0);
	obj_file f = m.read();
	EXPECT_TRUE(m.section(f, ".text.cold.map_update_elem.h"));
	auto locks = [&](const std::string &name) {
		int n = 0;
		for (const std::string &i : m.code(name))
			n += i.find("cmpxchg") != std::string::npos;
		return n;
	};
	EXPECT_EQ(locks("hook.count"), 0);
	EXPECT_GT(locks("hook.store"), 0);
}

/* The address of the key is an argument where a lookup loses its way: no register holds it until then. */
TEST(Object, LookupsKeepNoAddressOfTheStack)
{
	NEED_CLANG();
	Made m(compile_text(std::string(bpf_head) + R"(
MAP(h, HASH, __u32, __u64, 64)
SEC("uprobe") int count(struct pt_regs *ctx)
{
	__u32 k = 7;
	__u64 *v = bpf_map_lookup_elem(&h, &k);
	if (v)
		++*v;
	return 0;
}
)"));
	ASSERT_EQ(m.err, 0);
	int addresses = 0, behind = 0;
	bool hot = true;
	for (const std::string &i : m.code("hook.count")) {
		bool address = i.find("lea") == 0 && i.find("(%rsp)") != std::string::npos;
		addresses += hot && address;
		behind += !hot && address;
		hot &= i.find("ret") != 0;
	}
	EXPECT_EQ(addresses, 0);
	EXPECT_GT(behind, 0);
}

// A program and its function are called as LLVM's intrinsics are, or as what clears memory here.
TEST(Object, FunctionsMayHaveAnyName)
{
	NEED_CLANG();
	for (const std::string name : {"llvm", "mem"}) {
		std::string text = std::string(bpf_head) + "struct big { __u64 w[64]; };\nMAP(bigs, ARRAY, __u32, struct big, 1)\n"
				   "static __attribute__((noinline)) __u64 set(__u64 *p)\n{\n	__u64 x = p ? *p : 3;\n";
		for (int i = 0; i < 60; i++)	// too much to be inlined
			text += "	if (x & " + std::to_string(1 << i % 30) + ")\n		x = x * 3 + bpf_ktime_get_ns();\n";
		text += "	return x;\n}\nSEC(\"uprobe\") int " + name + "(struct pt_regs *ctx)\n{\n	__u32 zero = 0;\n"
			"	struct big *v = bpf_map_lookup_elem(&bigs, &zero);\n	if (!v)\n		return 0;\n"
			"	for (int i = 0; i < 64; i++)\n		v->w[i] = 0;\n";
		for (int i = 0; i < 20; i++)
			text += "	v->w[" + std::to_string(i) + "] = set(&v->w[" + std::to_string(i + 1) + "]);\n";
		Made m(compile_text(text + "	return 0;\n}\n"));
		ASSERT_EQ(m.err, 0) << name;
		obj_file f = m.read();
		EXPECT_TRUE(m.section(f, ".text.sub." + name + ".set")) << name;
		EXPECT_TRUE(m.section(f, ".text.mem.set")) << name;
	}
}

/* LLVM's time grows with the square of inlined walks: a program that has many map operations calls
 * most of them, and so stays small. */
TEST(Object, ManyMapOperationsAreNotInlined)
{
	NEED_CLANG();
	size_t bytes[2];
	for (int many = 0; many < 2; many++) {
		std::string body;
		for (int i = 0; i < (many ? 200 : 20); i++)
			body += "	k = (s ^ " + std::to_string(i) + ") & 63;\n"
				"	v = bpf_map_lookup_elem(&h, &k);\n	if (v)\n		s += *v;\n";
		Made m(compile_text(std::string(bpf_head) + "MAP(h, HASH, __u32, __u64, 64)\n"
				    "SEC(\"uprobe\") int many(struct pt_regs *ctx)\n{\n	__u32 k;\n"
				    "	__u64 s = ctx->di, *v;\n" + body + "	return s;\n}\n"));
		ASSERT_EQ(m.err, 0);
		obj_file f = m.read();
		EXPECT_EQ(!m.section(f, ".text.apart.map_lookup_elem.h"), !many);
		bytes[many] = m.section(f, ".text.hook.many")->bytes;
	}
	EXPECT_LT(bytes[1] / 200, bytes[0] / 20 / 2);
}

/* Of all samples, and of every relocation, symbol and instruction in them. */
class Sample : public testing::TestWithParam<const char *> {};

TEST_P(Sample, LeavesOnlyTheRuntimeAbiUndefined)
{
	Made m(std::string(BPFTIME_SAMPLES_DIR "/") + GetParam() + ".bpf.o");
	ASSERT_EQ(m.err, 0);
	obj_file f = m.read();
	for (uint32_t i = 1; i < f.n_sym; i++) {
		std::string name = f.sym[i].name;
		EXPECT_EQ(name.find("bpftime_h_"), std::string::npos) << name;
		if (f.sym[i].sec == SEC_UNDEF)
			EXPECT_EQ(name.rfind("bpftime_rt1_", 0), 0u) << name;
		else
			EXPECT_EQ(f.sym[i].bind, STB_LOCAL) << name;
	}
	for (uint32_t i = 1; i < f.n_sec; i++)
		for (size_t k = 0; k < f.sec[i].n_rel; k++)
			EXPECT_TRUE(f.sec[i].rel[k].type == R_X86_64_PC32 ||
				    f.sec[i].rel[k].type == R_X86_64_PLT32)
				<< f.sec[i].name << " type " << f.sec[i].rel[k].type;
}

/* The payload linker decodes all code and refuses vector registers.  At every level, with
 * and without lines. */
TEST_P(Sample, LinksIntoAPayload)
{
	Made m(std::string(BPFTIME_SAMPLES_DIR "/") + GetParam() + ".bpf.o");
	ASSERT_EQ(m.err, 0);
	for (unsigned level = 0; level <= 3; level++) {
		struct lnk *l = lnk_new(m.a, rt_archive());
		struct lnk_loaded p = {};
		m.opts.opt_level = level;
		m.opts.debug = level % 2;
		ASSERT_EQ(m.compile(&m.obj), 0);
		ASSERT_EQ(lnk_add_object(l, "x.hook.o", m.obj, false, &m.dg), 0);
		ASSERT_EQ(lnk_load_here(l, PAYLOAD_PRIVATE, &p, &m.dg), 0);
		lnk_unload(&p);
	}
}

/* Any linker joins it with the runtime archive. */
TEST_P(Sample, OrdinaryLinkersTakeIt)
{
	Made m(std::string(BPFTIME_SAMPLES_DIR "/") + GetParam() + ".bpf.o");
	ASSERT_EQ(m.err, 0);
	char dir[] = "/tmp/bpftime-object-XXXXXX";
	ASSERT_TRUE(mkdtemp(dir));
	std::string d = dir;
	FILE *f = fopen((d + "/m.o").c_str(), "w");
	fwrite(m.obj.p, 1, m.obj.n, f);
	fclose(f);
	f = fopen((d + "/rt.a").c_str(), "w");
	fwrite(bpftime_rt_archive, 1, (size_t)(bpftime_rt_archive_end - bpftime_rt_archive), f);
	fclose(f);
	std::string link = "cd " + d + " && ld -shared --defsym bpftime_rt1_payload=0 -o m.so m.o rt.a";
	EXPECT_EQ(system(link.c_str()), 0);
	EXPECT_NE(system(("readelf -rW " + d + "/m.so | grep -q R_X86_64_").c_str()), 0);
	(void)!system(("rm -rf " + d).c_str());
}

INSTANTIATE_TEST_SUITE_P(Object, Sample, testing::Values("minimal", "malloc", "sslsniff", "funclatency"),
			 [](const auto &i) { return std::string(i.param); });
