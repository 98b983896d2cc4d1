// SPDX-License-Identifier: MIT
// Debian's nginx, stripped and without frame pointers: stacks are gdb's backtraces at breakpoints.
#include "stacks.h"

namespace {

// The innermost frames of each stop, up to main().
std::vector<Stack> backtraces(const std::string &text)
{
	std::vector<Stack> all;
	std::istringstream lines(text);
	static const std::regex frame("#[0-9]+ +0x([0-9a-f]+) in .*");
	for (std::string line; std::getline(lines, line);) {
		std::smatch m;
		if (line == "STACK")
			all.emplace_back();
		else if (!all.empty() && std::regex_match(line, m, frame))
			all.back().push_back(strtoull(m[1].str().c_str(), nullptr, 16));
	}
	return all;
}

}  // namespace

TEST(WalkNginx, IsWhatGdbSees)
{
	static const char *functions[] = {"ngx_array_push", "ngx_hash_init", "ngx_create_pool", "ngx_conf_set_str_slot"};
	const std::string nginx = "/usr/sbin/nginx";
	Scratch s;
	for (auto tool : {"gdb", "setarch"})
		if (!have(tool))
			GTEST_SKIP() << "no " << tool << " here";
	if (access(nginx.c_str(), X_OK))
		GTEST_SKIP() << "no " << nginx << " here";
	std::ofstream(s / "conf") << "error_log stderr; pid " << (s / "pid") << "; events {}\n"
		"http { access_log off; map $uri $a { default 1; /b 2; ~^/c 3; }\n"
		"server { listen 127.0.0.1:4; location / { root /tmp; index a b; } location ~ ^/x { return 200 $a; } } }\n";
	std::ofstream commands(s / "gdb");
	std::string args = " -t -e stderr -p " + s.dir + " -c " + (s / "conf"), hooks;
	commands << "set pagination off\nset confirm off\nset width 0\nset debuginfod enabled off\n";
	for (auto f : functions) {
		commands << "break *" << f << "\ncommands\nsilent\nprintf \"STACK\\n\"\nbt\ncontinue\nend\n";
		hooks += std::string(" --uprobe ") + f;
	}
	commands << "run\n";
	commands.close();
	Output g = shell("gdb -nx -batch -x " + (s / "gdb") + " --args " + nginx + args);
	auto want = backtraces(g.text);
	if (want.empty())
		GTEST_SKIP() << "gdb cannot run nginx here: " << g.text;
	Output p = patch_stacks(nginx, hooks, s / "nginx");
	ASSERT_EQ(p.status, 0) << p.text;
	Output r = shell("BPFTIME_DIR=" + s.dir + "/maps setarch -R " + (s / "nginx") + args);
	if (r.text.find("setarch:") != std::string::npos)
		GTEST_SKIP() << r.text;
	auto got = taken(s.dir + "/maps");
	size_t n = std::min(want.size(), got.size()), deepest = 0;
	ASSERT_GT(n, 30u) << r.text;
	EXPECT_EQ(got.size(), std::min<size_t>(want.size(), 64));
	for (size_t i = 0; i < n; i++) {
		ASSERT_GT(want[i].size(), 1u);
		ASSERT_GT(got[i].size(), want[i].size() + 1) << hex(got[i]);	// main's callers are libc's
		got[i].resize(want[i].size());
		ASSERT_EQ(hex(got[i]), hex(want[i])) << "stack " << i;
		deepest = std::max(deepest, want[i].size());
	}
	EXPECT_GT(deepest, 5u);
}
