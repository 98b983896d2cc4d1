// SPDX-License-Identifier: MIT
// Processes that cannot be hooked: the reason is said in one line, and they go on as before.
#include "process.h"

#include "livefmt.h"

#include <pwd.h>
#include <random>
#include <sys/prctl.h>
#include <sys/utsname.h>

namespace {

// A process of odd.c, or of another program.
struct Odd {
	pid_t pid;
	int in, out;

	Odd(const std::string &program, const std::string &mode, uid_t uid = 0)
	{
		int to[2], from[2];
		char line[16];

		EXPECT_EQ(pipe(to), 0);
		EXPECT_EQ(pipe(from), 0);
		pid = fork();
		if (!pid) {
			dup2(to[0], 0);
			dup2(from[1], 1);
			for (int fd : {to[0], to[1], from[0], from[1]})
				close(fd);
			if (uid && (setgid(uid) || setuid(uid)))
				_exit(126);
			execl(program.c_str(), program.c_str(), mode.c_str(), nullptr);
			_exit(127);
		}
		close(to[0]);
		close(from[1]);
		in = to[1];
		out = from[0];
		EXPECT_GT(read(out, line, sizeof(line)), 0);
	}
	~Odd()
	{
		close(in);
		close(out);
		if (pid > 0) {
			kill(pid, SIGKILL);
			waitpid(pid, nullptr, 0);
		}
	}
	// It ends when its input does, having worked.
	int end()
	{
		int status = -1;

		close(in);
		in = -1;
		waitpid(pid, &status, 0);
		pid = -1;
		return status;
	}
};

struct Refused : LiveTest {
	std::string odd = std::string(TEST_TARGETS) + "/odd";
	uid_t nobody = 0;

	void SetUp() override
	{
		LiveTest::SetUp();
		if (passwd *pw = getpwnam("nobody"); pw && !geteuid())
			nobody = pw->pw_uid;
	}

	Output attach(const std::string &pid, const std::string &args = "--uprobe work", const std::string &as = "")
	{
		return shell(as + BPFTIME_BIN_DIR "/bpftime-patch --pid " + pid + " " + args);
	}
	void expect(const Output &o, const std::string &code, const std::string &text, int status)
	{
		EXPECT_EQ(o.status, status) << o.text;
		EXPECT_NE(o.text.find("error[" + code + "]"), std::string::npos) << o.text;
		EXPECT_NE(o.text.find(text), std::string::npos) << o.text;
		EXPECT_EQ(std::count(o.text.begin(), o.text.end(), '\n'), 1) << o.text;
	}
	// The process in that mode is refused, and ends well.
	void expect_refused(const std::string &mode, const std::string &code, const std::string &text, int status)
	{
		Odd p(odd, mode);

		expect(attach(std::to_string(p.pid)), code, text, status);
		int ended = p.end();
		EXPECT_TRUE(WIFEXITED(ended) && !WEXITSTATUS(ended)) << ended;
	}
};

TEST_F(Refused, NoProcess)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	siginfo_t info;
	waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
	expect(attach(std::to_string(pid)), "P300", "it has ended already", 1);
	waitpid(pid, nullptr, 0);
	expect(attach(std::to_string(pid)), "P300", "none of that number", 1);
	EXPECT_EQ(attach("x").status, 2);
	EXPECT_EQ(attach("0").status, 2);
}

// That nothing can be seen is not that nothing is there.
TEST_F(Refused, NoProcFilesystem)
{
	std::string hidden = "unshare -rm sh -c 'mount -t tmpfs none /proc && ", patch = BPFTIME_BIN_DIR "/bpftime-patch ";

	if (shell(hidden + "true'").status)
		GTEST_SKIP() << "no mount namespaces here";
	expect(shell(hidden + patch + "--pid $$ --uprobe main'"), "P301", "/proc, which shows its memory, is not mounted", 3);
	expect(shell(hidden + patch + "run --uprobe main -- /bin/true'"), "P301", "/proc, which shows its memory, is not mounted", 3);
}

TEST_F(Refused, KernelThread)
{
	if (live::read_file("/proc/2/comm") != "kthreadd\n")
		GTEST_SKIP() << "no kernel thread is visible here";
	expect(attach("2"), "P301", "a thread of the kernel", 3);
}

TEST_F(Refused, SecondTracer)
{
	Odd p(odd, "");

	ASSERT_EQ(ptrace(PTRACE_SEIZE, p.pid, nullptr, nullptr), 0);
	expect(attach(std::to_string(p.pid)), "P301", "traces it already", 3);
}

TEST_F(Refused, OtherUsers)
{
	if (!nobody)
		GTEST_SKIP() << "not root, or there is no user nobody";
	std::string as = "setpriv --reuid=nobody --regid=" + std::to_string(nobody) + " --clear-groups ";
	Odd roots(odd, ""), hidden(odd, "dumpable", nobody), own(odd, "", nobody);

	expect(attach(std::to_string(roots.pid), "--uprobe work", as), "P301", "it belongs to root", 3);
	expect(attach(std::to_string(hidden.pid), "--uprobe work", as), "P301", "PR_SET_DUMPABLE", 3);
	std::string o = ok(as + BPFTIME_BIN_DIR "/bpftime-patch --pid " + std::to_string(own.pid) + " --uprobe work");
	EXPECT_NE(o.find("its maps will be private"), o.npos) << o;	// the test's folder is root's
	ok(as + BPFTIME_BIN_DIR "/bpftime-patch --pid " + std::to_string(own.pid) + " --detach");
}

TEST_F(Refused, NotLoaded)
{
	Odd p(odd, "");

	expect(attach(std::to_string(p.pid), "--binary libnosuch --uprobe work"), "P302", "libnosuch", 1);
	expect(attach(std::to_string(p.pid), "--uprobe nosuch"), "P200", "nosuch", 1);
	expect(attach(std::to_string(p.pid), "--detach"), "P307", "no hooks", 1);
}

TEST_F(Refused, DoesNotStop)
{
	expect_refused("vfork", "P303", "does not leave the kernel", 3);
}

TEST_F(Refused, NoMemory)
{
	expect_refused("limit", "P304", "Cannot allocate memory", 3);
}

// What would be answered with an error, and what would be the process's end.
TEST_F(Refused, Sandboxes)
{
	expect_refused("denies", "P304", "seccomp", 3);
	expect_refused("kills", "P304", "seccomp", 3);
	utsname u;
	int major = 0, minor = 0;
	uname(&u);
	sscanf(u.release, "%d.%d", &major, &minor);
	if (major * 100 + minor >= 604)	// older ones do not tell a tracer
		expect_refused("dispatches", "P304", "PR_SET_SYSCALL_USER_DISPATCH", 3);
	Odd p(odd, "strict");
	expect(attach(std::to_string(p.pid)), "P304", "seccomp", 3);
	EXPECT_EQ(write(p.in, "x", 1), 1);
	int status = p.end();
	EXPECT_TRUE(WIFEXITED(status) || WTERMSIG(status) == SIGKILL) << status;
}

TEST_F(Refused, ChangedCode)
{
	Odd p(odd, "");
	unsigned long at = 0;
	std::string symbols = ok("nm " + odd + " | awk '$3 == \"work\" { print $1 }'");
	int mem = open(("/proc/" + std::to_string(p.pid) + "/mem").c_str(), O_RDWR);

	ASSERT_EQ(sscanf(symbols.c_str(), "%lx", &at), 1);
	char was, trap = '\xcc';
	kill(p.pid, SIGSTOP);	// it would run into it
	ASSERT_EQ(pread(mem, &was, 1, (off_t)at), 1);
	ASSERT_EQ(pwrite(mem, &trap, 1, (off_t)at), 1);	// as gdb would
	Output o = attach(std::to_string(p.pid));
	ASSERT_EQ(pwrite(mem, &was, 1, (off_t)at), 1);
	close(mem);
	expect(o, "P305", "differs from", 1);
	kill(p.pid, SIGCONT);
	int status = p.end();
	EXPECT_TRUE(WIFEXITED(status) && !WEXITSTATUS(status)) << status;
}

// A process may write what it likes where our records are.
TEST_F(Refused, HostileRecords)
{
	Odd p(odd, "");
	std::string pid = std::to_string(p.pid);

	ok(BPFTIME_BIN_DIR "/bpftime-patch --pid " + pid + " --uprobe work");
	std::istringstream maps(live::read_file("/proc/" + pid + "/maps"));
	livefmt_head head = {};
	int mem = open(("/proc/" + pid + "/mem").c_str(), O_RDWR);
	uint64_t from, to;
	for (std::string line; std::getline(maps, line);)
		if (line.find(" r-xp 00000000 00:00 0") != line.npos && sscanf(line.c_str(), "%lx-%lx", &from, &to) == 2 &&
		    pread(mem, &head, sizeof(head), (off_t)from) == (ssize_t)sizeof(head) && head.magic == LIVEFMT_MAGIC)
			break;
	ASSERT_EQ(head.magic, LIVEFMT_MAGIC);
	std::string was(head.record_bytes, 0);
	ASSERT_EQ(pread(mem, &was[0], was.size(), (off_t)(from + head.record_off)), (ssize_t)was.size());
	std::mt19937 random(1);
	for (int i = 0; i < 60 && !HasFailure(); i++) {
		livefmt_head h = head;
		std::string record = was;
		for (int k = 0; k < 3; k++) {
			uint64_t v = random() % 2 ? random() : (uint64_t)random() << 32 | random();
			if (i % 2)
				memcpy((char *)&h + random() % (sizeof(h) / 4) * 4, &v, 4);
			else
				record[random() % record.size()] = (char)v;
		}
		pwrite(mem, record.data(), record.size(), (off_t)(from + head.record_off));
		pwrite(mem, &h, sizeof(h), (off_t)from);
		Output o = attach(pid, "--uprobe work --plan");
		EXPECT_TRUE(o.status == 0 || o.status == 1 || o.status == 3) << o.status << o.text;
	}
	pwrite(mem, was.data(), was.size(), (off_t)(from + head.record_off));
	pwrite(mem, &head, sizeof(head), (off_t)from);
	close(mem);
	ok(BPFTIME_BIN_DIR "/bpftime-patch --pid " + pid + " --detach");
	int status = p.end();
	EXPECT_TRUE(WIFEXITED(status) && !WEXITSTATUS(status)) << status;
}

// Nor does it decide how much memory or time looking at them takes.
TEST_F(Refused, HostilePayloads)
{
	Odd p(odd, "forges");
	std::string pid = std::to_string(p.pid);
	Output o = shell("ulimit -v 2000000; timeout 60 " BPFTIME_BIN_DIR "/bpftime-patch --pid " + pid + " --detach");

	EXPECT_EQ(o.status, 0) << o.text;
	EXPECT_EQ(o.text.find("kept"), o.text.npos) << o.text;
	int status = p.end();
	EXPECT_TRUE(WIFEXITED(status) && !WEXITSTATUS(status)) << status;
}

TEST_F(Refused, NoRoom)
{
	expect_refused("crowded", "P306", "within 2 GiB", 1);
}

}
