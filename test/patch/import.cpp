// SPDX-License-Identifier: MIT
// Hooks on imported functions: PLT stubs of every form, calls through the GOT.
#include "e2e.h"

using namespace e2e;

TEST(Import, NginxVersionStillRuns)
{
	if (access("/usr/sbin/nginx", R_OK))
		GTEST_SKIP() << "no nginx here";
	Patched p = patch("/usr/sbin/nginx", {{COUNT, "SSL_write"}, {COUNT, "strlen"}});
	ASSERT_EQ(p.patched, 2u) << p.error << p.text;
	Result r = run_same("/usr/sbin/nginx", p, {"-V"});
	EXPECT_GT(r.count(COUNT), 0u);
	printf("%s", p.text.c_str());
	printf("%lu\n", r.count(COUNT));
}
