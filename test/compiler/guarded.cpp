// SPDX-License-Identifier: MIT
// Reads that are inlined because their size is a small constant: all or nothing at the edge of what
// is mapped, whatever the size, with our handlers in place and without.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"
#include "load.h"
#include "made.h"
#include "rt_archive.h"

enum { MOST = 66, PAGE = 4096 };	// the inlined sizes, and two that are not

static std::string source()
{
	std::string s = std::string(bpf_head) + "struct mem { __u64 from; char to[72]; };\n";
	for (int n = 1; n <= MOST; n++)
		s += "SEC(\"vm/80\") int read" + std::to_string(n) +
		     "(struct mem *m) { return bpf_probe_read_user(m->to, " + std::to_string(n) +
		     ", (void *)m->from); }\n";
	return s;
}

// In a child: the handlers stay.  What differs from what was expected.
static int wrong(struct lnk *l, uint32_t bits)
{
	struct { uint64_t from; uint8_t to[72]; } m;
	struct diags dg = {};
	lnk_loaded p = {};
	int bad = 0;
	uint8_t *edge = (uint8_t *)mmap(nullptr, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < PAGE; i++)
		edge[i] = (uint8_t)(1 + i % 251);
	mprotect(edge + PAGE, PAGE, PROT_NONE);
	if (lnk_load_here(l, PAYLOAD_PRIVATE | bits, &p, &dg))
		return 200;
	for (int n = 1; n <= MOST; n++) {
		lnk_body_fn *fn = lnk_loaded_body(&p, ("read" + std::to_string(n)).c_str());
		for (int back = 0; fn && back <= MOST + 1; back++) {
			memset(&m, 0x55, sizeof(m));
			m.from = (uint64_t)edge + PAGE - (uint64_t)back;
			bool all = n <= back;
			int64_t r = (int32_t)fn(&m, sizeof(m));
			bad += r != (all ? 0 : -EFAULT) || m.to[n] != 0x55;
			for (int i = 0; i < n; i++)
				bad += m.to[i] != (all ? edge[PAGE - back + i] : 0);
		}
		for (uint64_t from : { 0ull, 0xffffffff81000000ull, 0x8000000000000000ull, ~0ull }) {
			m.from = from;
			bad += !fn || (int32_t)fn(&m, sizeof(m)) != -EFAULT;
		}
	}
	return bad < 200 ? bad : 200;
}

// The handlers are in a payload whose reads are fast, and in no other.
static bool has_handlers(struct lnk *l, uint32_t bits)
{
	struct diags dg = {};
	lnk_loaded p = {};
	uint64_t at;

	return !lnk_load_here(l, PAYLOAD_PRIVATE | bits, &p, &dg) && lnk_symbol(l, "rt_fault_setup", &at);
}

class GuardedReads : public testing::TestWithParam<uint32_t> {};

TEST_P(GuardedReads, AllOrNothingAtTheEdge)
{
	NEED_CLANG();
	Made m(compile_text(source()));
	ASSERT_EQ(m.err, 0);
	obj_file f = m.read();
	EXPECT_TRUE(m.section(f, "bpftime_guarded")) << "nothing was inlined";
	struct lnk *l = lnk_new(m.a, rt_archive());
	ASSERT_EQ(lnk_add_object(l, "x.hook.o", m.obj, false, &m.dg), 0);
	pid_t pid = fork();
	if (!pid)
		_exit(has_handlers(l, GetParam()) == !!GetParam() ? wrong(l, GetParam()) : 201);
	int st;
	waitpid(pid, &st, 0);
	ASSERT_TRUE(WIFEXITED(st)) << "signal " << WTERMSIG(st);
	EXPECT_EQ(WEXITSTATUS(st), 0);
}

INSTANTIATE_TEST_SUITE_P(Reads, GuardedReads, testing::Values(0u, (uint32_t)PAYLOAD_READS_FAST));

// The table says where guarded code is, so the patcher must not move it.  (Nobody looks at what was
// read: nothing but the loads remains, and no branch.)
TEST(GuardedEntry, IsNotMoved)
{
	NEED_CLANG();
	Made m(compile_text(std::string(bpf_head) + R"(
SEC("uprobe") int hook(struct pt_regs *ctx)
{
	char to[8];
	bpf_probe_read_user(to, sizeof(to), (void *)ctx->di);
	return 0;
}
)"));
	ASSERT_EQ(m.err, 0);
	obj_file f = m.read();
	ASSERT_TRUE(m.section(f, "bpftime_guarded"));
	struct lnk *l = lnk_new(m.a, rt_archive());
	ASSERT_EQ(lnk_add_object(l, "x.hook.o", m.obj, false, &m.dg), 0);
	EXPECT_EQ(lnk_hook(l, 0)->body, nullptr);
}
