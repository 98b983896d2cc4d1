// SPDX-License-Identifier: MIT
// Debian's servers at work while hooks come and go: no request is lost, every call is counted.
#include "process.h"

namespace {

struct Server : LiveTest {
	bool has(const char *command)
	{
		return !shell(std::string("PATH=$PATH:/usr/sbin command -v ") + command).status;
	}
	uint64_t number(const std::string &text, const char *behind)
	{
		size_t at = text.find(behind);
		return at == text.npos ? 0 : strtoull(text.c_str() + at + strlen(behind), nullptr, 10);
	}
};

TEST_F(Server, Redis)
{
	if (!has("redis-server") || !has("redis-benchmark"))
		GTEST_SKIP() << "no redis-server";
	std::string text = ok(
		"cd " + d + "; redis-server --port 0 --unixsocket " + d + "/s --save '' --io-threads 2 >/dev/null & p=$!; cd " + d +
		"; while ! redis-cli -s s ping >/dev/null 2>&1; do sleep 0.1; done; "
		"redis-benchmark -s " + d + "/s -q -n 4000 -c 8 -t set,get >bench 2>&1 & b=$!; "
		"patch='" BPFTIME_BIN_DIR "/bpftime-patch --pid '$p; for i in 1 2 3; do "
		"$patch --uprobe processCommand --uretprobe processCommand >/dev/null; sleep 0.1; $patch --detach >/dev/null; done; "
		"wait $b; echo bench $?; redis-cli -s s config resetstat >/dev/null; "
		"$patch --uprobe processCommand >/dev/null; " BPFTIME_BIN_DIR "/bpftime-ctl dump calls 2>/dev/null | sed 's/.*: /before /'; "
		"redis-benchmark -s " + d + "/s -q -n 500 -c 4 -t set >/dev/null; redis-cli -s s info stats | tr -d '\\r' | grep total_commands; "
		BPFTIME_BIN_DIR "/bpftime-ctl dump calls | sed 's/.*: /after /'; $patch --detach; kill $p; wait $p; echo server $?");

	EXPECT_NE(text.find("bench 0"), text.npos) << text;
	EXPECT_NE(text.find("server 0"), text.npos) << text;
	EXPECT_NE(text.find("site restored"), text.npos) << text;
	// `config resetstat` counts itself, without a hook; `info` is counted when it has answered.
	EXPECT_EQ(number(text, "after ") - number(text, "before "), number(text, "total_commands_processed:")) << text;
}

}
