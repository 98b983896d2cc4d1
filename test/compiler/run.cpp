// SPDX-License-Identifier: MIT
// `bpftime-aot run`: results, contexts, memory, maps, and programs that misbehave.
#include "made.h"

#include <fcntl.h>
#include <fstream>
#include <unistd.h>

#include "../shell.h"
#include "child.h"

struct RunTool : Output {
	RunTool(const std::string &obj, const std::string &args) :
		Output(shell(BPFTIME_BIN_DIR "/bpftime-aot run " + obj + " " + args)) {}
	bool says(const std::string &s) const { return text.find(s) != std::string::npos; }
};

static std::string text(const std::string &body)
{
	return compile_text(bpf_head + body);
}

class Engine : public testing::TestWithParam<const char *> {};

TEST_P(Engine, ContextBytesReachTheProgram)
{
	NEED_CLANG();
	std::string e = std::string(" --engine ") + GetParam();
	std::string o = text("SEC(\"uprobe\") int f(struct pt_regs *ctx)"
			     "{ return ctx->r15 * 3 + ctx->r14; }\n");
	RunTool r(o, "--ctx 07000000000000000200000000000000" + e);
	EXPECT_EQ(r.status, 0) << r.text;
	EXPECT_TRUE(r.says("f: r0 = 0x17")) << r.text;
	EXPECT_TRUE(RunTool(o, e).says("f: r0 = 0x0"));	/* zeros */
	EXPECT_EQ(RunTool(o, "--ctx 0" + e).status, 2);
	EXPECT_EQ(RunTool(o, "--ctx zz" + e).status, 2);
}

TEST_P(Engine, MapsKeepWhatProgramsWrite)
{
	NEED_CLANG();
	std::string o = text(R"(
MAP(a, ARRAY, __u32, __u64, 4)
MAP(h, HASH, __u32, __u64, 64)
MAP(p, PERCPU_ARRAY, __u32, __u64, 4)
static __u64 runs;
const volatile __u32 step = 5;
SEC("uprobe") int f(struct pt_regs *ctx)
{
	__u32 k = 3;
	__u64 one = 1, *v = bpf_map_lookup_elem(&a, &k);
	if (!v)
		return -1;
	*v += step;
	if (bpf_map_update_elem(&h, &k, v, 0))
		return -2;
	v = bpf_map_lookup_elem(&h, &k);
	if (!v)
		return -3;
	one = *v;
	v = bpf_map_lookup_elem(&p, &k);
	if (v)
		++*v;
	return one * 1000 + ++runs;
}
)");
	RunTool r(o, std::string("--repeat 4 --json --engine ") + GetParam());
	EXPECT_EQ(r.status, 0) << r.text;
	EXPECT_TRUE(r.says("\"r0\":\"0x4e24\"")) << r.text;	/* 4 * 5 * 1000 + 4 */
	EXPECT_TRUE(r.says("\"ns\":")) << r.text;
	EXPECT_TRUE(RunTool(o, std::string("--set step=7 --json --engine ") + GetParam()).says("\"r0\":\"0x1b59\""));
}

TEST_P(Engine, SubprogramsAndLoops)
{
	NEED_CLANG();
	std::string o = text(R"(
static __attribute__((noinline)) __u64 square(__u64 x) { return x * x; }
static __attribute__((noinline)) void fill(__u8 *p, int n)
{
	for (int i = 0; i < n && i < 16; i++)
		p[i] = square(i);
}
SEC("uprobe") int f(struct pt_regs *ctx)
{
	__u8 b[16] = {};
	__u64 sum = 0;
	fill(b, 16);
	for (int i = 0; i < 16; i++)
		sum += b[i];
	return sum;
}
)");
	RunTool r(o, std::string("--engine ") + GetParam());
	EXPECT_EQ(r.status, 0) << r.text;
	EXPECT_TRUE(r.says("r0 = 0x4d8")) << r.text;		/* 0 + 1 + 4 + .. + 225 */
}

/* Long ones are the CPU's string instruction: all of it, and nothing beside it. */
TEST_P(Engine, LongFills)
{
	NEED_CLANG();
	std::string o = text(R"(
#define KEPT(x) do { x; __asm__ volatile("" ::: "memory"); } while (0)	/* clang -target bpf makes no memset of it */
static __u64 v[400];
static __attribute__((noinline)) __u64 left(void)
{
	__u64 sum = 0;
	for (__u32 i = 0; i < 400; i++)
		sum += v[i];
	return sum;
}
SEC("uprobe") int f(struct pt_regs *ctx)
{
	__u64 r = 0;
	__u64 *at = v + 3;
	for (__u32 i = 0; i < 400; i++)
		v[i] = i + 1;
	for (__u32 i = 0; i < 64; i++)
		KEPT(at[i] = 0);
	r = left();
	for (__u32 i = 0; i < 300; i++)
		KEPT(at[i] = 0);
	r = r * 1000000 + left();
	__u32 n = 140;
	__asm__ volatile("" : "+r"(n));
	for (__u32 i = 0; i < n && i < 390; i++)
		KEPT(v[i + 9] = 0x0101010101010101);
	return r * 7 + left() % 1000003;
}
)");
	uint64_t v[400], r = 0, sum = 0;
	for (int i = 0; i < 400; i++)
		v[i] = (uint64_t)i + 1;
	auto left = [&] { uint64_t n = 0; for (uint64_t x : v) n += x; return n; };
	std::fill(v + 3, v + 67, 0), r = left();
	std::fill(v + 3, v + 303, 0), r = r * 1000000 + left();
	std::fill(v + 9, v + 149, 0x0101010101010101), sum = left();
	char want[32];
	snprintf(want, sizeof(want), "r0 = 0x%x", (unsigned)(r * 7 + sum % 1000003));
	RunTool run(o, std::string("--engine ") + GetParam());
	EXPECT_EQ(run.status, 0) << run.text;
	EXPECT_TRUE(run.says(want)) << run.text << want;
}

/* The result of each, with r15 = 7 and r14 = 0xffffffff; the kernel gives the same. */
TEST_P(Engine, TailCalls)
{
	NEED_CLANG();
	std::string o = text(R"(
int target(struct pt_regs *ctx);
int again(struct pt_regs *ctx);
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__array(values, int (struct pt_regs *));
} jmp SEC(".maps") = { .values = { [1] = (void *)&target, [2] = (void *)&again } };
static __u64 n;
SEC("uprobe") int target(struct pt_regs *ctx) { return ctx->r15 + 100; }
SEC("uprobe") int again(struct pt_regs *ctx) { n++; bpf_tail_call(ctx, &jmp, 2); return n; }
SEC("uprobe") int to_target(struct pt_regs *ctx) { bpf_tail_call(ctx, &jmp, 1); return 1; }
SEC("uprobe") int to_empty(struct pt_regs *ctx) { bpf_tail_call(ctx, &jmp, 3); return 2; }
SEC("uprobe") int outside(struct pt_regs *ctx) { bpf_tail_call(ctx, &jmp, ctx->r14); return 3; }
static __attribute__((noinline)) int sub(struct pt_regs *ctx)
{
	volatile int seven = 7;
	bpf_tail_call(ctx, &jmp, 1);
	return seven;
}
SEC("uprobe") int from_sub(struct pt_regs *ctx) { return sub(ctx) * 2; }
)");
	const std::pair<const char *, const char *> want[] = {
		{ "target", "0x6b" }, { "to_target", "0x6b" }, { "to_empty", "0x2" },
		{ "outside", "0x3" }, { "from_sub", "0xd6" },
		{ "again", "0x22" },	/* itself and 33 tail calls */
	};
	for (auto &w : want) {
		RunTool r(o, std::string("--ctx 0700000000000000ffffffff00000000 --prog ") + w.first +
			     " --engine " + GetParam());
		EXPECT_TRUE(r.says(std::string(w.first) + ": r0 = " + w.second + "\n")) << r.text;
	}
}

/* Packets end at a page that must not be touched. */
TEST_P(Engine, XdpPrograms)
{
	NEED_CLANG();
	std::string o = text(R"(
struct xdp_md { __u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex; };
static __attribute__((noinline)) int last(struct xdp_md *ctx)
{
	__u8 *p = (__u8 *)(long)ctx->data, *end = (__u8 *)(long)ctx->data_end;
	int i = 0;
	for (; i < 100 && p + i + 1 <= end; i++)
		;
	return i;
}
SEC("xdp") int f(struct xdp_md *ctx)
{
	__u8 *p = (__u8 *)(long)ctx->data, *end = (__u8 *)(long)ctx->data_end;
	if (p + 14 > end)
		return 1;
	p[0] = p[13];
	return last(ctx) * 0x10000 + p[0] * 0x100 + ctx->rx_queue_index;
}
)");
	std::string pkt = o + ".packet", args = "--mem " + pkt + " --engine " + GetParam();
	std::ofstream(pkt, std::ios::binary) << "0123456789abcdefghi";
	RunTool r(o, args);
	EXPECT_TRUE(r.says("f: r0 = 0x136400")) << r.text;	/* 19 bytes; 'd' */
	std::ofstream(pkt, std::ios::binary) << "0123456789abc";
	EXPECT_TRUE(RunTool(o, args).says("f: r0 = 0x1\n"));
	EXPECT_TRUE(RunTool(o, args + " --unverified").says("C008"));
	unlink(pkt.c_str());
}

/* A jump, not a call: the stack does not grow with the chain. */
TEST(Run, TailCallsAreJumps)
{
	NEED_CLANG();
	Made m(text(R"(
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 4);
} jmp SEC(".maps");
SEC("uprobe") int f(struct pt_regs *ctx) { bpf_tail_call(ctx, &jmp, 2); return 1; }
)"));
	ASSERT_EQ(m.err, 0);
	std::string all;
	for (const std::string &i : m.code("bpftime_prog_0"))
		all += i + "\n";
	EXPECT_NE(all.find("jmp    *%rax"), std::string::npos) << all;
	EXPECT_EQ(m.row<objfmt_hook>(m.read(), ".bpftime.hooks").form, ENTRY_FRAME);
}

INSTANTIATE_TEST_SUITE_P(Run, Engine, testing::Values("aot", "jit"),
			 [](const auto &i) { return std::string(i.param); });

TEST(Run, NamesThePrograms)
{
	NEED_CLANG();
	std::string o = text("SEC(\"uprobe\") int one(void *ctx) { return 1; }\n"
			     "SEC(\"uprobe\") int two(void *ctx) { return 2; }\n");
	RunTool none(o, ""), wrong(o, "--prog three"), two(o, "--prog two");
	EXPECT_EQ(none.status, 2);
	EXPECT_TRUE(none.says("one") && none.says("two")) << none.text;
	EXPECT_EQ(wrong.status, 2);
	EXPECT_TRUE(two.says("two: r0 = 0x2")) << two.text;
	EXPECT_EQ(RunTool(o, "--prog two --engine gpu").status, 2);
	EXPECT_EQ(RunTool(o, "--prog two --repeat 0").status, 2);
	EXPECT_EQ(RunTool(o, "--prog two --mem /nonexistent").status, 3);
}

/* What the verifier refuses does not run; unverified, it runs where it can do no harm. */
TEST(Run, CodeForAnotherMachineIsRefused)
{
	NEED_CLANG();
	std::string o = text("SEC(\"uprobe\") int f(struct pt_regs *ctx) { return 1; }\n");
	for (const char *cpu : { "", " --cpu generic" }) {
		RunTool r(o, std::string("--engine jit --target aarch64") + cpu);
		EXPECT_EQ(r.status, 1);
		EXPECT_TRUE(r.says(":f: error[C006]: no such target: the JIT compiles for this machine only")) << r.text;
	}
	RunTool r(o, "--engine aot --target aarch64");
	EXPECT_EQ(r.status, 1);
	EXPECT_TRUE(r.says(":f: error[L003]: object for another CPU: machine 183")) << r.text;
}

TEST(Run, HostileProgramsAreAnAnswer)
{
	NEED_CLANG();
	std::string o = text("SEC(\"uprobe\") int f(void *ctx)"
			     "{ *(volatile __u64 *)0x10 = 1; return 0; }\n");
	EXPECT_EQ(RunTool(o, "").status, 1);
	RunTool r(o, "--unverified");
	EXPECT_EQ(r.status, 1);
	EXPECT_TRUE(r.says("NOT VERIFIED")) << r.text;
	EXPECT_TRUE(r.says("C007") && r.says("Segmentation fault")) << r.text;
	RunTool j(o, "--unverified --json");
	EXPECT_TRUE(j.says("{\"name\":\"f\",\"r0\":null,\"error\":{\"code\":\"C007\",")) << j.text;
}

/* ---- the child itself ---- */

static const child_limits one_second = { 1 };

static child_result child(void (*fn)(void *, child_result *))
{
	child_result res = {};
	struct diags dg = {};
	EXPECT_EQ(child_run(fn, nullptr, &one_second, &res, &dg), 0);
	return res;
}

TEST(Child, EndlessLoopIsStopped)
{
	child_result r = child([](void *, child_result *) {
		for (volatile int i = 0;; i++)
			;
	});
	EXPECT_FALSE(r.ok);
	EXPECT_EQ(r.code, DIAG_E004);
}

TEST(Child, SleepingIsStopped)
{
	child_result r = child([](void *, child_result *) { pause(); });
	EXPECT_FALSE(r.ok);
	EXPECT_EQ(r.code, DIAG_E004);
}

TEST(Child, ExitWithoutAnAnswerIsACrash)
{
	child_result r = child([](void *, child_result *) { _exit(0); });
	EXPECT_FALSE(r.ok);
	EXPECT_EQ(r.code, DIAG_C007);
}

TEST(Child, NonsenseAnswersAreNotBelieved)
{
	child_result r = child([](void *, child_result *res) {
		memset(res, 0xff, sizeof(*res));
		res->ok = false;
	});
	EXPECT_FALSE(r.ok);
	EXPECT_EQ(r.code, DIAG_C007);
}

TEST(Child, ConfinedChildCannotTouchFiles)
{
	child_result r = child([](void *, child_result *res) {
		child_confine();
		res->ok = true;
		res->r0 = (uint64_t)(open("/dev/null", O_RDWR) >= 0) * 2 + (fork() >= 0);
	});
	EXPECT_TRUE(r.ok);
	EXPECT_EQ(r.r0, 0u);
}
