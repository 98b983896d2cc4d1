// SPDX-License-Identifier: MIT
// Hook objects joined by us, by ld -r and by ld -shared; the shared object under dlopen()
// and LD_PRELOAD.
#include <gtest/gtest.h>

#include <dlfcn.h>
#include <execinfo.h>

#include <cstdlib>
#include <string>

#include "../shell.h"
#include "file.h"
#include "link.h"
#include "load.h"

struct Link : testing::Test {
	arena *a = arena_new();
	diags dg = {};
	bytes archive, hook_a, hook_b;
	std::string dir;

	void SetUp() override
	{
		char t[] = "/tmp/bpftime-link-XXXXXX";
		dir = mkdtemp(t);
		setenv("BPFTIME_DIR", file("maps").c_str(), 1);	// of what is loaded here
		ASSERT_EQ(file_read(a, TEST_RT, &archive, nullptr, &dg), 0);
		ASSERT_EQ(file_read(a, TEST_HOOK_A, &hook_a, nullptr, &dg), 0);
		ASSERT_EQ(file_read(a, TEST_HOOK_B, &hook_b, nullptr, &dg), 0);
	}
	void TearDown() override
	{
		(void)!system(("rm -rf " + dir).c_str());
		arena_free(a);
	}
	std::string file(const char *name) { return dir + "/" + name; }
	// Runs a shell command; what it prints.  Fails unless it exits with 0.
	std::string sh(const std::string &cmd)
	{
		Output o = shell(cmd);
		EXPECT_EQ(o.status, 0) << cmd << "\n" << o.text;
		return o.text;
	}
	// Both programs named `count` run, each on its own map.
	void runs(bytes obj)
	{
		lnk *l = lnk_new(a, archive);
		lnk_loaded p;
		ASSERT_EQ(lnk_add_object(l, "joined", obj, false, &dg), 0) << dg.first_text;
		ASSERT_EQ(lnk_n_hooks(l), 3u);
		ASSERT_EQ(lnk_load_here(l, PAYLOAD_PRIVATE, &p, &dg), 0) << dg.first_text;
		EXPECT_STREQ(lnk_hook(l, 0)->object, "hook_a");
		EXPECT_STREQ(lnk_hook(l, 2)->object, "hook_b");
		((void (*)(uint64_t))lnk_entry_vaddr(l, 0))(5);
		((void (*)(uint64_t))lnk_entry_vaddr(l, 2))(5);
		auto head = (const bpftime_payload *)p.base;
		auto list = BPFTIME_REL(const int32_t, head->objects_rel);
		ASSERT_EQ(head->n_objects, 2u);
		auto oa = BPFTIME_REL(const objfmt_object, list[0]);
		auto ob = BPFTIME_REL(const objfmt_object, list[1]);
		auto ma = BPFTIME_REL(const bpftime_map, oa->maps_rel);
		auto mb = BPFTIME_REL(const bpftime_map, ob->maps_rel);
		EXPECT_EQ(BPFTIME_REL(uint64_t, ma->room_rel)[0], 15u);
		EXPECT_EQ(BPFTIME_REL(uint64_t, mb->room_rel)[1], 1u);
		EXPECT_STREQ(BPFTIME_REL(const char, ob->name_rel), "hook_b");
		lnk_unload(&p);
	}
};

TEST_F(Link, Joined)
{
	link_input in[] = {{"a", hook_a}, {"b", hook_b}};
	bytes out;
	ASSERT_EQ(link_objects(a, in, 2, &out, &dg), 0) << dg.first_text;
	runs(out);
	// Other tools read it too, and find nothing to complain about.
	ASSERT_EQ(file_write(file("p.o").c_str(), out.p, out.n, 0644, nullptr, &dg), 0);
	EXPECT_EQ(sh("eu-elflint --gnu-ld " + file("p.o")), "No errors\n");
	std::string syms = sh("nm " + file("p.o"));
	EXPECT_NE(syms.find(" T entry_a"), std::string::npos);
	EXPECT_NE(syms.find(" t entry_a"), std::string::npos);
	// Joining again changes nothing but the order of tables.
	link_input one[] = {{"p", out}};
	bytes again;
	ASSERT_EQ(link_objects(a, one, 1, &again, &dg), 0) << dg.first_text;
	runs(again);
}

TEST_F(Link, JoinedByAnotherLinker)
{
	bytes out;
	sh("objcopy --localize-hidden " TEST_HOOK_B " " + file("b.o"));
	for (std::string ld : {"ld", "ld.lld"}) {
		sh(ld + " -r -o " + file("r.o") + " " TEST_HOOK_A " " + file("b.o"));
		ASSERT_EQ(file_read(a, file("r.o").c_str(), &out, nullptr, &dg), 0);
		runs(out);
	}
}

// "Linkable by any ld": a shared object needs no text relocation and no relative one.
TEST_F(Link, SharedByAnotherLinker)
{
	for (std::string ld : {"ld", "ld.lld"}) {
		sh(ld + " -shared -z text -o " + file("x.so") + " " TEST_HOOK_A);
		std::string rel = sh("readelf -rW " + file("x.so"));
		EXPECT_EQ(rel.find("R_X86_64_64"), std::string::npos) << rel;
		EXPECT_EQ(rel.find("R_X86_64_RELATIVE"), std::string::npos) << rel;
		EXPECT_NE(rel.find("bpftime_rt1_cold"), std::string::npos) << rel;
		EXPECT_EQ(sh("readelf -dW " + file("x.so")).find("TEXTREL"), std::string::npos);
	}
}

TEST_F(Link, SharedObjectLoads)
{
	link_input in[] = {{"a", hook_a}, {"b", hook_b}};
	std::string so = file("p.so");
	link_how how = {"p.so", nullptr, false};
	bytes out;
	ASSERT_EQ(link_shared(a, in, 2, archive, &how, &out, &dg), 0) << dg.first_text;
	ASSERT_EQ(file_write(so.c_str(), out.p, out.n, 0755, nullptr, &dg), 0);
	EXPECT_EQ(sh("eu-elflint --gnu-ld " + so), "No errors\n");
	EXPECT_NE(sh("readelf -rW " + so).find("no relocations"), std::string::npos);
	EXPECT_EQ(sh("LD_PRELOAD=" + so + " /bin/echo ok"), "ok\n");

	void *h = dlopen(so.c_str(), RTLD_NOW);
	ASSERT_NE(h, nullptr) << dlerror();
	auto head = (const bpftime_payload *)dlsym(h, "bpftime_rt1_payload");
	ASSERT_NE(head, nullptr);
	EXPECT_EQ(head->magic, OBJFMT_PAYLOAD_MAGIC);
	auto count = (lnk_body_fn *)dlsym(h, "count");
	ASSERT_NE(count, nullptr);
	EXPECT_EQ(dlsym(h, "count_ret"), nullptr);	// it has no body
	auto list = BPFTIME_REL(const int32_t, head->objects_rel);
	auto o = BPFTIME_REL(const objfmt_object, list[0]);
	auto m = BPFTIME_REL(const bpftime_map, o->maps_rel);
	*BPFTIME_REL(uint64_t, m->room_rel) = 30;
	uint64_t twelve = 12;
	EXPECT_EQ(count(&twelve, 0), 42u);
	dlclose(h);
}

void *frames[64];
int n_frames;

__attribute__((noinline)) uint64_t take_backtrace(void *, uint64_t)
{
	n_frames = backtrace(frames, 64);
	return 0;
}

// The system's unwinder finds its way through a program, by the FDE that was kept.
TEST_F(Link, BacktracesPass)
{
	link_how how = {};
	bytes out, hook_c;
	ASSERT_EQ(file_read(a, TEST_HOOK_C, &hook_c, nullptr, &dg), 0);
	link_input in[] = {{"c", hook_c}};
	std::string so = file("c.so");
	ASSERT_EQ(link_shared(a, in, 1, archive, &how, &out, &dg), 0) << dg.first_text;
	ASSERT_EQ(file_write(so.c_str(), out.p, out.n, 0755, nullptr, &dg), 0);
	EXPECT_EQ(sh("eu-elflint --gnu-ld " + so), "No errors\n");
	void *h = dlopen(so.c_str(), RTLD_NOW);
	ASSERT_NE(h, nullptr) << dlerror();
	auto call_ctx = (lnk_body_fn *)dlsym(h, "call_ctx");
	ASSERT_NE(call_ctx, nullptr);
	lnk_body_fn *fn = take_backtrace;
	take_backtrace(nullptr, 0);	// the frames from here on
	int want = n_frames;
	void *outermost = frames[n_frames - 1];
	ASSERT_GT(want, 2);
	call_ctx(&fn, 0);
	EXPECT_EQ(n_frames, want + 1);
	EXPECT_EQ(frames[n_frames - 1], outermost);
	EXPECT_GT((uintptr_t)frames[1], (uintptr_t)call_ctx);
	EXPECT_LT((uintptr_t)frames[1], (uintptr_t)call_ctx + 16);
}
