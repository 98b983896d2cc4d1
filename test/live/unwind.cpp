// SPDX-License-Identifier: MIT
// Return hooks in a running process: exceptions pass them, whatever has linked the unwinder.
#include "process.h"

namespace {

struct Unwind : LiveTest, testing::WithParamInterface<const char *> {};

TEST_P(Unwind, ThroughReturnHooks)
{
	std::string script = "cd " + d + "; mkfifo in; " TEST_TARGETS "/" + GetParam() +
			     " < in > out & p=$!; exec 7> in; while [ ! -s out ]; do sleep 0.02; done; sleep 0.1; "
			     "patch='" BPFTIME_BIN_DIR "/bpftime-patch --pid '$p; for i in 1 2 3; do "
			     "$patch --uprobe work --uretprobe work || exit 99; sleep 0.1; "
			     "$patch --uretprobe outer || exit 98; sleep 0.1; $patch --detach || exit 97; done; "
			     "$patch --detach >/dev/null 2>&1; grep -c r-xp.*00:00.0.*$ /proc/$p/maps > left; "
			     "exec 7>&-; wait $p; echo status $?";
	Output o = shell(script);

	EXPECT_NE(o.text.find("status 0"), o.text.npos) << o.text;
	EXPECT_NE(o.text.find("2 sites restored"), o.text.npos) << o.text;
	uint64_t n = calls();
	EXPECT_GT(n, 0u);
	std::string latency = tool("bpftime-ctl hist latency");
	EXPECT_NE(latency.find('*'), latency.npos) << latency;
	// vDSO and vsyscall, and nothing of ours.
	EXPECT_LE(strtoul(live::read_file(d + "/left").c_str(), nullptr, 10), 2u);
}

INSTANTIATE_TEST_SUITE_P(Kinds, Unwind, testing::Values("throws", "throws_static", "throws_static_pie"));

}
