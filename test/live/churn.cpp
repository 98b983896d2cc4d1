// SPDX-License-Identifier: MIT
// Attaching to a program whose threads come and go, which forks, gets signals, and may be stopped.
#include "process.h"

namespace {

struct Churn : LiveTest, testing::WithParamInterface<const char *> {};

TEST_P(Churn, AttachAndDetach)
{
	std::string target = std::string(TEST_TARGETS) + "/" + GetParam(), patch = BPFTIME_BIN_DIR "/bpftime-patch --pid ";
	int in[2], out[2], status = -1;
	char line[16];

	ASSERT_EQ(pipe2(in, O_CLOEXEC), 0);
	ASSERT_EQ(pipe2(out, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (!pid) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execl(target.c_str(), target.c_str(), nullptr);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	ASSERT_GT(read(out[0], line, sizeof(line)), 0);
	patch += std::to_string(pid);
	for (int i = 0; i < 24 && !HasFailure(); i++) {
		if (i % 3 == 2)
			kill(pid, SIGSTOP);
		ok(patch + " --uprobe work --uretprobe more_work");
		if (i % 3 == 2) {
			EXPECT_TRUE(live::comes_to(pid, 'T')) << "it is not stopped any more";
			kill(pid, SIGCONT);
		}
		Output o = shell(patch + " --detach");	// 3: somebody is inside still
		EXPECT_TRUE(o.status == 0 || (o.status == 3 && o.text.find("kept") != o.text.npos)) << o.text;
		ASSERT_EQ(waitpid(pid, &status, WNOHANG), 0) << "it has ended: " << status;
	}
	close(in[1]);
	waitpid(pid, &status, 0);
	close(out[0]);
	EXPECT_TRUE(WIFEXITED(status) && !WEXITSTATUS(status)) << status;
}

INSTANTIATE_TEST_SUITE_P(Kinds, Churn, testing::Values("churn", "churn-static"));

}
