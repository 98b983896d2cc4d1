// SPDX-License-Identifier: MIT
//
// process.h - a process of load.c, its memory, and the tools at work on it.
#pragma once
#include "../tools.h"

#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>
#include <vector>

#include "load.h"

namespace live {

// Why processes cannot be traced here; "": they can.
inline std::string no_ptrace()
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		pause();
		_exit(0);
	}
	bool ok = !ptrace(PTRACE_SEIZE, pid, nullptr, nullptr);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return ok ? "" : "processes cannot be traced here";
}

inline std::string read_file(const std::string &path)
{
	std::ifstream f(path, std::ios::binary);
	std::stringstream s;

	s << f.rdbuf();
	return s.str();
}

// Is the process's first thread in that state ('T': stopped) now, or within five seconds?  One that a
// tracer leaves in a stop runs for a moment until it stops again.
inline bool comes_to(pid_t pid, char state)
{
	for (int i = 0; i < 5000; i++) {
		std::string stat = read_file("/proc/" + std::to_string(pid) + "/stat");
		size_t at = stat.rfind(')');

		if (at != stat.npos && stat[at + 2] == state)
			return true;
		usleep(1000);
	}
	return false;
}

struct Load {
	pid_t pid = -1;
	struct load *shared = nullptr;
	unsigned threads;
	std::string path;

	Load(const std::string &binary, const std::string &dir, unsigned n) : threads(n), path(binary)
	{
		std::string file = dir + "/load", count = std::to_string(n);
		int fd = open(file.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);

		EXPECT_EQ(ftruncate(fd, 4096), 0);
		shared = (struct load *)mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
		pid = fork();
		if (!pid) {
			execl(binary.c_str(), binary.c_str(), file.c_str(), count.c_str(), nullptr);
			_exit(127);
		}
		for (int i = 0; i < 5000 && !__atomic_load_n(&shared->ready, __ATOMIC_ACQUIRE); i++)
			usleep(1000);
		EXPECT_TRUE(shared->ready);
	}
	~Load()
	{
		if (pid > 0) {
			kill(pid, SIGKILL);
			waitpid(pid, nullptr, 0);
		}
		munmap(shared, 4096);
	}

	// The number of the next order of that kind; all threads have carried it out.
	void order(unsigned kind)
	{
		unsigned next = (shared->order / LOAD_KINDS + 1) * LOAD_KINDS + kind;

		__atomic_store_n(&shared->order, next, __ATOMIC_RELEASE);
		for (unsigned i = 0; i < threads && kind != LOAD_RUN; i++)
			for (int k = 0; k < 20000 && __atomic_load_n(&shared->done[i], __ATOMIC_ACQUIRE) != next; k++)
				usleep(k < 1000 ? 50 : 1000);
		for (unsigned i = 0; i < threads && kind != LOAD_RUN; i++)
			ASSERT_EQ(shared->done[i], next) << "a thread is stuck";
	}

	// Its status of waitpid after all threads were told to end.
	int end()
	{
		int status = -1;

		__atomic_store_n(&shared->order, (unsigned)LOAD_END, __ATOMIC_RELEASE);
		waitpid(pid, &status, 0);
		pid = -1;
		return status;
	}

	// Are the executable segments in memory what the file says?  "": yes.
	std::string changed_text() const
	{
		std::string file = read_file(path), maps = read_file("/proc/" + std::to_string(pid) + "/maps");
		std::istringstream lines(maps);
		int mem = open(("/proc/" + std::to_string(pid) + "/mem").c_str(), O_RDONLY);
		char real[4096];
		std::string result = realpath(path.c_str(), real) ? "nothing was compared" : "no such file";

		for (std::string line; std::getline(lines, line);) {
			unsigned long from, to, off;
			char rights[5];

			if (line.find(real) == line.npos ||
			    sscanf(line.c_str(), "%lx-%lx %4s %lx", &from, &to, rights, &off) != 4 || rights[2] != 'x')
				continue;
			std::vector<char> buf(to - from);
			if (pread(mem, buf.data(), buf.size(), (off_t)from) != (ssize_t)buf.size())
				result = "unreadable";
			size_t n = std::min(buf.size(), file.size() - off);
			result = memcmp(buf.data(), file.data() + off, n) ? "differs from the file" : "";
		}
		close(mem);
		return result;
	}

	unsigned mappings() const
	{
		std::string maps = read_file("/proc/" + std::to_string(pid) + "/maps");

		return (unsigned)std::count(maps.begin(), maps.end(), '\n');
	}
};

}

struct LiveTest : ToolTest {
	void SetUp() override
	{
		ToolTest::SetUp();
		if (std::string why = live::no_ptrace(); !why.empty())
			GTEST_SKIP() << why;
	}
	// What the built-in hook has counted.
	uint64_t calls()
	{
		uint64_t n = 0, key;
		sscanf(tool("bpftime-ctl dump calls").c_str(), "%lu: %lu", &key, &n);
		return n;
	}
};
