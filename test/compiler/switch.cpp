// SPDX-License-Identifier: MIT
// Trees of comparisons end where a walk over them ends, whatever the compiler makes of them, and a
// `switch` of C, which clang makes such a tree of, becomes a table.
#include <iterator>
#include <random>

#include "load.h"
#include "made.h"
#include "rt_archive.h"
#include "vm_unit.h"

namespace {

enum { N_VALUES = 96, STEP = 31 };

/* A tree over one number, in the width of its comparisons: branch to `yes`, else fall to `no`. */
struct Set {	/* a register, before the comparison */
	uint8_t reg;
	bool wide;
	int32_t imm;
};
struct Node {
	std::vector<Set> sets;
	int op = 0;
	int32_t imm = 0;
	int yes = -1, no = -1;	/* nodes */
	int leaf = 0;		/* without branches */
};

class Tree {
public:
	Tree(uint64_t seed) : rng(seed), wide(pick(2)), leaves(2 + pick(30)), span(4 + pick(40))
	{
		root = pick(2) ? grow(2 + (int)pick(6)) : search(-(int)pick(2) * (int)pick(9), (int)span);
	}

	uint64_t result_of(uint64_t v) const
	{
		const Node *n = &node[(size_t)root];
		uint64_t reg[6] = {};
		for (;; n = &node[(size_t)(holds(*n, v) ? n->yes : n->no)]) {
			for (auto &s : n->sets)
				reg[s.reg] = s.wide ? (uint64_t)(int64_t)s.imm : (uint32_t)s.imm;
			if (n->yes < 0)
				return (uint64_t)n->leaf + reg[3] - reg[4] + (reg[5] ^ reg[3]);
		}
	}
	/* r0 = r0 * STEP + the result, for each of the values at r1. */
	std::vector<bpfi> program()
	{
		out.clear();
		add(BPFI_ALU64 | BPFI_MOV, 6, 1, 0, 0, true);
		add(BPFI_ALU64 | BPFI_MOV, 7, 0, 0, N_VALUES);
		add(BPFI_ALU64 | BPFI_MOV, 0, 0, 0, 0);
		size_t loop = out.size();
		add(BPFI_LDX | BPFI_MEM | BPFI_DW, 2, 6, 0, 0);
		add(BPFI_ALU64 | BPFI_ADD, 6, 0, 0, 8);
		add(BPFI_ALU64 | BPFI_MUL, 0, 0, 0, STEP);
		for (uint8_t r = 3; r < 6; r++)
			add(BPFI_ALU64 | BPFI_MOV, r, 0, 0, 0);
		ends.clear();
		emit(root);
		for (size_t e : ends)
			out[e].off = (int16_t)(out.size() - e - 1);
		add(BPFI_ALU64 | BPFI_ADD, 7, 0, 0, -1);
		add(BPFI_JMP | BPFI_JNE, 7, 0, (int16_t)((int)loop - (int)out.size() - 1), 0);
		add(BPFI_JMP_EXIT, 0, 0, 0, 0);
		return out;
	}
	uint64_t value()
	{
		static const uint64_t corner[] = { ~0ull, 1ull << 63, (1ull << 63) - 1, 1ull << 31, 0x7fffffff, 0xffffffff, 1ull << 32 };
		switch (pick(8)) {
		case 0:
			return rng();
		case 1:
			return corner[pick(7)];
		default:
			return (uint64_t)(int64_t)constant();
		}
	}

private:
	std::mt19937_64 rng;
	bool wide;
	unsigned leaves, span;
	int root;
	std::vector<Node> node;
	std::vector<bpfi> out;
	std::vector<size_t> ends;

	unsigned pick(unsigned n) { return (unsigned)(rng() % n); }
	int32_t constant() { return pick(20) ? (int32_t)pick(span) - (pick(6) ? 0 : 3) : (int32_t)rng(); }
	int grow(int depth)
	{
		static const int op[] = { BPFI_JEQ, BPFI_JNE, BPFI_JGT, BPFI_JGE, BPFI_JLT, BPFI_JLE,
					  BPFI_JSGT, BPFI_JSGE, BPFI_JSLT, BPFI_JSLE, BPFI_JSET };
		Node n = leaf();
		if (depth && pick(8)) {
			n.op = op[pick(pick(10) ? 10 : 11)];
			n.imm = constant();
			n.yes = grow(depth - 1);
			n.no = grow(depth - 1);
		}
		return keep(n);
	}
	Node leaf()
	{
		Node n;
		n.leaf = 1 + (int)pick(leaves);
		for (unsigned k = pick(10); k < 3; k++)	/* as clang sets what is different behind each way */
			n.sets.push_back({(uint8_t)(3 + pick(3)), !pick(2), constant()});
		return n;
	}
	int keep(const Node &n)
	{
		node.push_back(n);
		return (int)node.size() - 1;
	}
	/* As clang finds one of lo..hi-1; what is none of them goes as the first or the last. */
	int search(int lo, int hi)
	{
		Node n = leaf();
		if (hi - lo > 1 && pick(12)) {
			int middle = lo + 1 + (int)pick((unsigned)(hi - lo - 1));
			bool above = pick(2);
			n.op = above ? BPFI_JSGT : BPFI_JSLT;
			n.imm = above ? middle - 1 : middle;
			n.yes = above ? search(middle, hi) : search(lo, middle);
			n.no = above ? search(lo, middle) : search(middle, hi);
		}
		return keep(n);
	}
	bool holds(const Node &n, uint64_t v) const
	{
		int64_t b = n.imm, a = wide ? (int64_t)v : (int32_t)v;
		uint64_t ua = wide ? v : (uint32_t)v, ub = wide ? (uint64_t)b : (uint32_t)b;
		switch (n.op) {
		case BPFI_JEQ: return ua == ub;
		case BPFI_JNE: return ua != ub;
		case BPFI_JGT: return ua > ub;
		case BPFI_JGE: return ua >= ub;
		case BPFI_JLT: return ua < ub;
		case BPFI_JLE: return ua <= ub;
		case BPFI_JSGT: return a > b;
		case BPFI_JSGE: return a >= b;
		case BPFI_JSLT: return a < b;
		case BPFI_JSLE: return a <= b;
		default: return ua & ub;
		}
	}
	void add(int code, uint8_t dst, uint8_t src, int16_t off, int32_t imm, bool x = false)
	{
		bpfi in = {};
		in.code = (uint8_t)(code | (x ? BPFI_X : 0));
		in.dst = dst & 15, in.src = src & 15, in.off = off, in.imm = imm;
		out.push_back(in);
	}
	void emit(int at)
	{
		const Node &n = node[(size_t)at];
		for (auto &k : n.sets)
			add((k.wide ? BPFI_ALU64 : BPFI_ALU) | BPFI_MOV, k.reg, 0, 0, k.imm);
		if (n.yes < 0) {
			add(BPFI_ALU64 | BPFI_ADD, 0, 0, 0, n.leaf);
			add(BPFI_ALU64 | BPFI_ADD, 0, 3, 0, 0, true);
			add(BPFI_ALU64 | BPFI_SUB, 0, 4, 0, 0, true);
			add(BPFI_ALU64 | BPFI_XOR, 5, 3, 0, 0, true);
			add(BPFI_ALU64 | BPFI_ADD, 0, 5, 0, 0, true);
			ends.push_back(out.size());
			add(BPFI_JMP_JA, 0, 0, 0, 0);
			return;
		}
		size_t branch = out.size();
		add((wide ? BPFI_JMP : BPFI_JMP32) | n.op, 2, 0, 0, n.imm);
		emit(n.no);
		out[branch].off = (int16_t)(out.size() - branch - 1);
		emit(n.yes);
	}
};

}

TEST(Switch, TreesEndWhereTheyShould)
{
	for (uint64_t seed = 1; seed <= 60; seed++) {
		Tree t(seed);
		std::vector<bpfi> code = t.program();
		std::vector<uint64_t> v(N_VALUES);
		uint64_t want = 0;
		for (auto &x : v) {
			x = t.value();
			want = want * STEP + t.result_of(x);
		}
		for (vm_how how : { vm_how{ true, true, 3 }, vm_how{ false, true, 2 }, vm_how{ true, false, 0 } }) {
			struct diags dg = {};
			uint64_t r0 = 0;
			ASSERT_EQ(vm_run(code, v.data(), v.size() * 8, how, &r0, &dg), 0) << seed;
			EXPECT_EQ(r0, want) << "seed " << seed << " jit " << how.jit;
		}
	}
}

/* The same text for clang as BPF and for the compiler of this test. */
#define DENSE                                                                                       \
	switch (*p & 15) {                                                                           \
	case 0: *p = 3; return 1; case 1: *p ^= 57; return 9; case 2: return 3000; case 3: *p = 9; return 4; \
	case 4: *p += 99; return 5; case 5: *p = 8; return 8; case 6: return 77; case 7: *p = 1; return -1;  \
	case 8: *p -= 4; return 9; case 9: return 2; case 10: *p = 4; return 6; case 11: *p = 4; return 7;   \
	default: *p = 5; return 8;                                                                   \
	}
#define HOLES                                                                                       \
	switch (*p) {                                                                                \
	case 3: *p = 30; return 1; case 4: *p ^= 31; return 2; case 6: *p = 29; return 3;            \
	case 9: *p += 7; return 4; case 10: *p = 3; return 5; case 12: *p -= 9; return 6;            \
	case 15: *p = 11; return 7; default: return 0;                                               \
	}
#define NEGATIVE                                                                                    \
	switch ((int)*p) {                                                                           \
	case -3: *p = 30; return 1; case -2: *p ^= 31; return 2; case -1: *p = 29; return 3;         \
	case 0: *p += 7; return 4; case 1: *p = 3; return 5; case 2: *p -= 9; return 6;              \
	case 5: *p = 11; return 7; default: return 0;                                                \
	}
#define TEXT(x_) TEXT_(x_)
#define TEXT_(x_) #x_

static const struct { const char *name, *text; bool table; int (*body)(uint64_t *p); } switches[] = {
	{"dense", TEXT(DENSE), true, [](uint64_t *p) -> int { DENSE }},
	{"holes", TEXT(HOLES), false, [](uint64_t *p) -> int { HOLES }},
	{"negative", TEXT(NEGATIVE), true, [](uint64_t *p) -> int { NEGATIVE }},
};

static bool jumps_by_table(const std::vector<std::string> &code)
{
	for (auto &s : code)
		if (s.find("jmp") != s.npos && s.find('*') != s.npos)
			return true;
	return false;
}

TEST(Switch, TablesInAPayload)
{
	NEED_CLANG();
	std::string source = bpf_head;
	for (auto &s : switches)
		source += std::string("SEC(\"vm/8\") int ") + s.name + "(__u64 *p) { " + s.text + " }\n";
	Made m(compile_text(source));
	ASSERT_EQ(m.err, 0);
	for (size_t i = 0; i < std::size(switches); i++)
		EXPECT_TRUE(!switches[i].table || jumps_by_table(m.code("bpftime_prog_" + std::to_string(i)))) << switches[i].name;

	struct lnk *l = lnk_new(m.a, rt_archive());
	struct diags dg = {};
	lnk_loaded payload = {};
	ASSERT_EQ(lnk_add_object(l, "x.hook.o", m.obj, false, &m.dg), 0);
	ASSERT_EQ(lnk_load_here(l, PAYLOAD_PRIVATE, &payload, &dg), 0);
	std::vector<uint64_t> values = {~0ull, 1ull << 31, 1ull << 32, (1ull << 32) - 3, 1ull << 63};
	for (int v = -40; v < 40; v++)
		values.push_back((uint64_t)(int64_t)v);
	for (auto &s : switches) {
		lnk_body_fn *fn = lnk_loaded_body(&payload, s.name);
		ASSERT_NE(fn, nullptr);
		for (uint64_t v : values) {
			uint64_t here = v, there = v;
			EXPECT_EQ((int32_t)fn(&there, sizeof(there)), s.body(&here)) << s.name << " " << v;
			EXPECT_EQ(there, here) << s.name << " " << v;
		}
	}
}

static size_t count(const std::vector<std::string> &code, const char *text)
{
	size_t n = 0;
	for (auto &s : code)
		n += s.find(text) != s.npos;
	return n;
}

// A loop around a switch ends in each arm of it, as in what a compiler makes of source: one jump less a turn.
TEST(Switch, ArmsEndTheLoopThemselves)
{
	NEED_CLANG();
	Made m(compile_text(std::string(bpf_head) + "SEC(\"vm/256\") __u64 f(unsigned char *p) { __u64 a = 1;"
			    "for (int i = 0; i < 211; i++) switch (p[i] & 7) { case 0: a += 3; break; case 1: a ^= a << 7; break;"
			    "case 2: a -= i; break; case 3: a *= 5; break; case 4: a |= 16; break; case 5: a ^= a >> 9; break;"
			    "case 6: a = ~a; break; default: a += p[77]; } return a; }\n"));
	ASSERT_EQ(m.err, 0);
	auto code = m.code("bpftime_prog_0");
	EXPECT_TRUE(jumps_by_table(code));
	EXPECT_GE(count(code, "cmp"), 7u);	// the end of the loop
}

// A table says where the code is, so the patcher must not move that.
TEST(Switch, ATableStaysWithItsCode)
{
	NEED_CLANG();
	Made m(compile_text(std::string(bpf_head) + "__u64 n[16]; SEC(\"uprobe\") int hook(struct pt_regs *ctx)"
			    "{ switch (ctx->di & 15) { case 0: n[0]++; break; case 1: n[7] += 2; break; case 2: n[3]--; break;"
			    "case 3: n[9] ^= 1; break; case 4: n[2] *= 3; break; case 5: n[4] = 0; break; case 6: n[1] |= 2; break;"
			    "default: n[15] -= 7; } return 0; }\n"));
	ASSERT_EQ(m.err, 0);
	struct lnk *l = lnk_new(m.a, rt_archive());
	ASSERT_EQ(lnk_add_object(l, "x.hook.o", m.obj, false, &m.dg), 0);
	EXPECT_TRUE(jumps_by_table(m.code("hook.hook")));
	EXPECT_EQ(lnk_hook(l, 0)->body, nullptr);
}
