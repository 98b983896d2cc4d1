// SPDX-License-Identifier: MIT
// Hooks on imported functions: PLT stubs of every form, calls through the GOT.
#include "e2e.h"

#include <unistd.h>

#include "hooks.h"

using namespace e2e;

namespace {

class Import : public testing::TestWithParam<const char *> {
protected:
	std::string bin() { return target(GetParam()); }
};

// 10 calls and 10 tail calls; the one through a pointer goes past.
TEST_P(Import, EntryAndReturn)
{
	Patched p = patch(bin(), {{COUNT, "lib_add"}, {COUNT_RET, "lib_add"}, {PACKED_RET, "lib_add"}});
	ASSERT_EQ(p.patched, 1u) << p.error << p.text;
	EXPECT_EQ(p.tactics[0], "plt");
	Result r = run_same(bin(), p);
	uint64_t calls = r.count(COUNT);
	// where there is a stub, taking the address may mean the stub's
	EXPECT_TRUE(calls == 20 || calls == 21) << calls;
	EXPECT_EQ(r.count(COUNT_RET), calls);
	EXPECT_EQ(r.count(PACKED_RET), calls);
	EXPECT_EQ(r.misses, 0u);
}

TEST_P(Import, EverythingAtOnce)
{
	Patched p = patch(bin(), {{COUNT, "lib_*"}, {SUM_DI, "lib_callback"}, {COUNT_RET, "lib_*"}, {FRAME, "lib_many"},
				  {FRAME_RET, "lib_sum"}});
	ASSERT_EQ(p.patched, 7u) << p.error << p.text;
	EXPECT_EQ(p.refused, 0u) << p.text;
	Result r = run_same(bin(), p);
	EXPECT_EQ(r.count(SUM_DI), 5u);
	EXPECT_EQ(r.count(FRAME), 1u);
	EXPECT_EQ(r.count(FRAME_RET), 1u);
	EXPECT_EQ(r.cell[129 + 14], 1u);	// di of lib_many
	EXPECT_EQ(r.cell[129 + 9], 5u);		// r8
	// lib_throw(3), (4), twice, leaves by exceptions; so does lib_callback
	EXPECT_EQ(r.count(COUNT_RET), r.count(COUNT) - 6);
}

// Resolvers may take r11; that programs did must no other program see, whoever is enabled.
TEST_P(Import, EachFindsR11)
{
	enum : uint64_t { R11 = 0x1122334455667788 };
	auto seen = [&](const std::vector<Hook> &hooks, unsigned cell, uint64_t off = 0) {
		std::vector<Want> wants;

		for (Hook h : hooks)
			wants.push_back({h, "plain"});
		Patched p = patch(bin(), wants);
		EXPECT_EQ(p.patched, 1u) << p.error << p.text;
		Result r = run({bin()}, p.path, off);
		EXPECT_EQ(r.status, 0);
		return r.cell[cell];
	};

	EXPECT_EQ(seen({FRAME}, 129 + CTX_R11), R11);
	EXPECT_EQ(seen({COUNT, FRAME}, 129 + CTX_R11), R11);
	EXPECT_EQ(seen({FRAME, FRAME_MORE}, 385 + CTX_R11), R11);
	EXPECT_EQ(seen({BUSY, SUM_DI, PACKED, FRAME_PART}, 10), R11);
	EXPECT_EQ(seen({BUSY, SUM_DI, PACKED, FRAME_PART}, 10, 2), R11);	// each behind its own word
	EXPECT_EQ(seen({DECIDE, COUNT, PACKED}, 10), R11);
	EXPECT_EQ(seen({FRAME_RET}, 257 + CTX_R11), R11);
	EXPECT_EQ(seen({COUNT, COUNT_RET, FRAME_RET}, 257 + CTX_R11), R11);
	EXPECT_EQ(seen({COUNT, DECIDE, FRAME_RET}, 257 + CTX_R11), R11);	// the second call is not made
}

// Exceptions of the library pass the PLT's return slots and the callback.
TEST_P(Import, Callbacks)
{
	Patched p = patch(bin(), {{COUNT, "lib_throw"}, {COUNT_RET, "lib_throw"}, {COUNT_RET, "lib_callback"}});
	ASSERT_EQ(p.patched, 2u) << p.error << p.text;
	Result r = run_same(bin(), p);
	EXPECT_EQ(r.count(COUNT), 10u);
	EXPECT_EQ(r.count(COUNT_RET), 6 + 3u);
}

TEST(ImportedLibrary, OwnFunctions)
{
	const std::string bin = target("import-lazy");
	Patched p = patch(target("libimported.so"), {{COUNT, "lib_add"}, {COUNT_RET, "lib_twice"}, {COUNT, "lib_pick"}});
	ASSERT_EQ(p.patched, 2u) << p.error << p.text;
	ASSERT_EQ(p.refused, 1u);
	EXPECT_NE(p.reasons[0].find("IFUNC"), std::string::npos);
	std::string dir = p.path + ".d";
	ASSERT_EQ(system(("mkdir " + dir + " && cp " + p.path + " " + dir + "/libimported.so").c_str()), 0);
	Result was = run({bin});
	Result now = run({"/usr/bin/env", "LD_LIBRARY_PATH=" + dir, "LD_BIND_NOW=", "/lib64/ld-linux-x86-64.so.2",
			  "--library-path", dir, bin});
	EXPECT_EQ(was.out, now.out);
	// called by the program 21 times, and by lib_twice 20 times
	EXPECT_EQ(now.count(COUNT), 41u);
	EXPECT_EQ(now.count(COUNT_RET), 10u);
}

INSTANTIATE_TEST_SUITE_P(Builds, Import,
			 testing::Values("import-lazy", "import-now", "import-nopie", "import-ibt",
					 "import-noplt", "import-lld"),
			 [](const auto &i) { return std::string(i.param + 7); });

TEST(Nginx, ImportOfSslWrite)
{
	if (access("/usr/sbin/nginx", R_OK))
		GTEST_SKIP() << "no nginx here";
	Patched p = patch("/usr/sbin/nginx", {{COUNT, "SSL_write"}, {COUNT_RET, "SSL_read"}, {COUNT, "strlen"}});
	ASSERT_EQ(p.patched, 3u) << p.error << p.text;
	Result r = run_same("/usr/sbin/nginx", p, {"-V"});
	EXPECT_GT(r.count(COUNT), 0u);
}

}
