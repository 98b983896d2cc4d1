// SPDX-License-Identifier: MIT
// What takes longer than a second says on a terminal what it is at, and nowhere else.
#include "progress.h"
#include "../tools.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <functional>
#include <vector>

#include "diag.h"

namespace {

// A child whose standard streams are a terminal; what it wrote there.
struct Terminal {
	int fd = -1;
	pid_t pid = -1;
	std::string text;

	explicit Terminal(const std::function<void()> &child, unsigned short columns = 80)
	{
		winsize w = {24, columns, 0, 0};

		pid = forkpty(&fd, nullptr, nullptr, &w);
		if (!pid) {
			child();
			_exit(0);
		}
	}
	~Terminal()
	{
		if (pid > 0) {
			kill(pid, SIGKILL);
			waitpid(pid, nullptr, 0);
		}
		close(fd);
	}
	// More of it, until it has `part`, or the end or so many seconds have come.
	bool wait_for(const std::string &part, int seconds = 60)
	{
		char buf[4096];
		pollfd p = {fd, POLLIN, 0};

		while (text.find(part) == text.npos) {
			if (poll(&p, 1, seconds * 1000) <= 0)
				return false;
			ssize_t n = read(fd, buf, sizeof(buf));
			if (n <= 0)
				return false;
			text.append(buf, (size_t)n);
		}
		return true;
	}
	// Its exit status, after all output.
	int end()
	{
		int status = -1;

		wait_for(std::string(1, '\0'));
		waitpid(pid, &status, 0);
		pid = -1;
		return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	}
	// What stands on the screen, a string a line.
	std::vector<std::string> screen() const
	{
		std::vector<std::string> line(1);
		size_t at = 0;

		for (char c : text) {
			if (c == '\r') {
				at = 0;
			} else if (c == '\n') {
				line.emplace_back();
				at = 0;
			} else {
				line.back().resize(std::max(line.back().size(), at + 1), ' ');
				line.back()[at++] = c;
			}
		}
		for (std::string &l : line)
			l.erase(l.find_last_not_of(' ') + 1);
		return line;
	}
};

struct Gate {	// a child waits at it
	int fd[2];

	Gate() { EXPECT_EQ(pipe2(fd, O_CLOEXEC), 0); }
	~Gate() { close(fd[0]), close(fd[1]); }
	void pass() const { char c; EXPECT_EQ(read(fd[0], &c, 1), 1); }
	void open() const { EXPECT_EQ(write(fd[1], "x", 1), 1); }
};

using Lines = std::vector<std::string>;

TEST(Progress, IsOneLineThatGoesAway)
{
	Gate first, second;
	Terminal t([&] {
		diags dg = {};
		dg.out = stderr;
		progress_start();
		progress_step("reading %s", "a\nb");
		first.pass();
		progress_step("planning");
		progress_count(5, 10);
		second.pass();
		diag_warn(&dg, at_file("f"), "careful");
		progress_end();
	});

	EXPECT_TRUE(t.wait_for("reading a?b, ")) << t.text;
	EXPECT_EQ(t.text.find('\n'), t.text.npos);
	first.open();
	EXPECT_TRUE(t.wait_for("\rplanning: 5 of 10, ")) << t.text;
	second.open();
	EXPECT_EQ(t.end(), 0);
	EXPECT_EQ(t.screen(), (Lines{"f: warning: careful", ""}));
}

TEST(Progress, FitsTheTerminal)
{
	Gate g;
	Terminal t([&] {
		progress_start();
		progress_step("reading %s", std::string(300, 'x').c_str());
		g.pass();
		progress_end();
	}, 40);

	EXPECT_TRUE(t.wait_for("xxx")) << t.text;
	g.open();
	EXPECT_EQ(t.end(), 0);
	EXPECT_EQ(t.screen(), Lines{""});
	for (size_t from = 0, to; from < t.text.size(); from = to + 1) {
		to = std::min(t.text.find('\r', from), t.text.size());
		EXPECT_LT(to - from, 40u);
	}
}

// A child of a fork draws nothing, and is not held up.
TEST(Progress, IsNotInherited)
{
	Terminal t([] {
		diags dg = {};
		dg.out = stderr;
		progress_start();
		for (int i = 0; i < 50; i++) {
			pid_t p = fork();
			if (!p) {
				diag_warn(&dg, at_file("f"), "x");
				progress_step("y");
				progress_end();
				_exit(0);
			}
			waitpid(p, nullptr, 0);
		}
		progress_end();
	});
	EXPECT_EQ(t.end(), 0);
	EXPECT_EQ(t.screen().size(), 51u);
}

struct ProgressOf : ToolTest {
	std::string target;

	void SetUp() override
	{
		ToolTest::SetUp();
		target = d + "/ls";
		ok("cp /bin/ls " + target);
	}
	// Runs with the file locked by somebody else for at least so long.
	void run_locked(const std::string &cmd, const std::string &expect, unsigned ms, Terminal **out)
	{
		int fd = open(target.c_str(), O_RDONLY | O_CLOEXEC);

		ASSERT_EQ(flock(fd, LOCK_EX), 0);
		*out = new Terminal([&] { execl("/bin/sh", "sh", "-c", cmd.c_str(), nullptr); });
		if (expect.empty())
			usleep(ms * 1000);
		else
			EXPECT_TRUE((*out)->wait_for(expect)) << (*out)->text;
		close(fd);
		EXPECT_EQ((*out)->end(), 0) << (*out)->text;
	}
};

TEST_F(ProgressOf, Patching)
{
	std::string cmd = BPFTIME_BIN_DIR "/bpftime-patch --in-place --binary " + target + " --uprobe malloc";
	Terminal *t;

	run_locked(cmd, "waiting for others who change " + target, 0, &t);
	EXPECT_EQ(t->screen(), (Lines{target + ": 1 site patched, 0 refused", ""}));
	delete t;
	// Neither for programs, nor where stderr is read by one.
	run_locked(cmd + " --json | grep -c '^{.schema'", "", 1500, &t);
	EXPECT_EQ(t->text, "1\r\n");
	delete t;
	run_locked(cmd + " 2> " + d + "/err", "", 1500, &t);
	EXPECT_EQ(t->text, target + ": 1 site patched, 0 refused\r\n");
	EXPECT_EQ(ok("cat " + d + "/err"), "");
	delete t;
}

// The parent of a vfork does not stop until its child goes on.
TEST_F(ProgressOf, Attaching)
{
	int ready[2];
	char c;

	ASSERT_EQ(pipe2(ready, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (!pid) {
		setpgid(0, 0);
		if (!vfork()) {
			if (write(ready[1], "x", 1) == 1)
				pause();
			_exit(0);
		}
		_exit(0);
	}
	ASSERT_EQ(read(ready[0], &c, 1), 1);
	std::string cmd = BPFTIME_BIN_DIR "/bpftime-patch --pid " + std::to_string(pid) + " --uprobe main";
	Terminal t([&] { execl("/bin/sh", "sh", "-c", cmd.c_str(), nullptr); });
	bool shown = t.wait_for("stopping the threads of ");
	EXPECT_EQ(t.end(), 3) << t.text;
	kill(-pid, SIGKILL);
	waitpid(pid, nullptr, 0);
	close(ready[0]);
	close(ready[1]);
	if (t.text.find("P301") != t.text.npos)
		GTEST_SKIP() << t.text;
	EXPECT_TRUE(shown) << t.text;
	ASSERT_EQ(t.screen().size(), 2u) << t.text;
	EXPECT_NE(t.screen()[0].find("error[P303]"), std::string::npos) << t.text;
}

// Until somebody takes what it has compiled.
TEST_F(ProgressOf, Compiling)
{
	std::string in = d + "/min.bpf.o", out = d + "/out", cmd = "/bpftime-aot compile " + in + " -o " + out;

	ok("cp " SAMPLES_DIR "/minimal.bpf.o " + in);	// a short name: the line is cut at the terminal's edge
	ASSERT_EQ(mkfifo(out.c_str(), 0600), 0);
	{
		Terminal t([&] { execl("/bin/sh", "sh", "-c", (BPFTIME_BIN_DIR + cmd).c_str(), nullptr); });
		EXPECT_TRUE(t.wait_for("compiling ")) << t.text;
		EXPECT_TRUE(t.wait_for("2 s")) << t.text;	// it is drawn again
		ok("cat " + out + " > " + d + "/min.hook.o");
		EXPECT_EQ(t.end(), 0) << t.text;
		EXPECT_EQ(t.screen(), Lines{""});
	}
	tool("bpftime-aot dump " + d + "/min.hook.o");
	// Not for programs.
	Terminal t([&] { execl("/bin/sh", "sh", "-c", (BPFTIME_BIN_DIR + cmd + " --json").c_str(), nullptr); });
	usleep(1500000);
	ok("cat " + out + " > /dev/null");
	EXPECT_EQ(t.end(), 0) << t.text;
	EXPECT_EQ(t.text, "");
}

// A program that runs for long: by then nothing is read or compiled any more.
TEST_F(ProgressOf, Running)
{
	std::string cmd = BPFTIME_BIN_DIR "/bpftime-aot run " SAMPLES_DIR "/minimal.bpf.o --repeat 4000000000";
	Terminal t([&] { execl("/bin/sh", "sh", "-c", cmd.c_str(), nullptr); });

	EXPECT_TRUE(t.wait_for("running count_calls, ")) << t.text;
}

TEST_F(ProgressOf, Verifying)
{
	std::string fifo = d + "/lines";

	ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
	Terminal t([&] {
		execl("/bin/sh", "sh", "-c", (BPFTIME_BIN_DIR "/bpftime-aot verify --batch " + fifo + " > " + d + "/out").c_str(),
		      nullptr);
	});
	int fd = open(fifo.c_str(), O_WRONLY | O_CLOEXEC);
	EXPECT_TRUE(t.wait_for("verifying " + fifo + ", ")) << t.text;
	dprintf(fd, "{}\n\n{}\n");
	EXPECT_TRUE(t.wait_for("verifying " + fifo + ": 3, ")) << t.text;
	close(fd);
	EXPECT_EQ(t.end(), 0) << t.text;
	EXPECT_EQ(t.screen(), Lines{""});
	EXPECT_EQ(ok("grep -c verdict " + d + "/out"), "2\n");
}

}
