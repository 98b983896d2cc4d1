// SPDX-License-Identifier: MIT
// Processes with the same payload meet in the files of the map directory, or are alone when that cannot
// be trusted.
#include <gtest/gtest.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "mapfmt.h"
#include "maps.h"
#include "payload.h"

namespace {

struct RtFiles : testing::Test {
	std::string dir;

	void SetUp() override
	{
		char tmp[] = "/tmp/bpftime-files-XXXXXX";
		ASSERT_NE(mkdtemp(tmp), nullptr);
		dir = tmp;
	}
	void TearDown() override
	{
		ASSERT_EQ(system(("rm -rf " + dir).c_str()), 0);
	}
	std::set<std::string> files(const std::string &folder)
	{
		std::set<std::string> names;
		DIR *d = opendir((dir + "/" + folder).c_str());
		while (dirent *e = d ? readdir(d) : nullptr)
			if (std::string(e->d_name) != "." && std::string(e->d_name) != "..")
				names.insert(e->d_name);
		if (d)
			closedir(d);
		return names;
	}
	std::string object_folder()
	{
		for (auto &n : files(""))
			if (n.compare(0, 4, "obj-") == 0)
				return n;
		return "";
	}
};

pid_t spawn(const std::function<int()> &fn)
{
	pid_t pid = fork();
	if (!pid)
		_exit(fn());
	return pid;
}

int result(pid_t pid)
{
	int status;
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// Makes this process one that runs the payload; its counter is in a room, its hash map is not.
uint64_t *run(const std::string &dir, uint32_t value_bytes = 8)
{
	tp_map("room", MAP_TYPE_array, 4, 8, 1, 4096);
	tp_map("slot", MAP_TYPE_hash, 4, value_bytes, 16, 0);
	*(uint64_t *)tp.room[0] = 1000;		// first contents
	tp_finish(dir.c_str(), 2);
	return bpftime_rt1_cold(0) == 1 ? (uint64_t *)tp.room[0] : nullptr;
}

}  // namespace

TEST_F(RtFiles, AreSharedAndStay)
{
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(result(spawn([&] {
			int before = dup(0);
			uint64_t *n = run(dir);
			close(before);
			if (!n || dup(0) != before || tp.control.private_maps)
				return 100;
			return (int)__atomic_fetch_add(n, 1, __ATOMIC_RELAXED) - 1000;
		})), i);
	std::string folder = object_folder();
	EXPECT_EQ(files(folder), (std::set<std::string>{"room", "slot"}));
	struct stat st;
	ASSERT_EQ(stat((dir + "/" + folder + "/room").c_str(), &st), 0);
	EXPECT_EQ(st.st_size, 8192);
	EXPECT_GE(st.st_blocks * 512, st.st_size);	// allocated
	EXPECT_EQ(st.st_mode & 0777, 0600u);
	ASSERT_EQ(stat((dir + "/" + folder).c_str(), &st), 0);
	EXPECT_EQ(st.st_mode & 0777, 0700u);
	EXPECT_EQ(files(MAPFMT_CONTROL_DIR), (std::set<std::string>{"cdcdcdcdcdcdcdcd"}));
}

TEST_F(RtFiles, ManyProcessesStartAtOnce)
{
	enum { N = 40 };
	int go[2];
	ASSERT_EQ(pipe(go), 0);
	std::vector<pid_t> pid;
	for (int i = 0; i < N; i++)
		pid.push_back(spawn([&] {
			char c;
			close(go[1]);
			if (read(go[0], &c, 1))
				return 2;
			uint64_t *n = run(dir);
			if (!n || tp.control.private_maps)
				return 1;
			__atomic_fetch_add(n, 1, __ATOMIC_RELAXED);
			return 0;
		}));
	close(go[0]);
	close(go[1]);
	for (pid_t p : pid)
		EXPECT_EQ(result(p), 0);
	EXPECT_EQ(result(spawn([&] { return (int)(*run(dir) - 1000); })), N);
	EXPECT_EQ(files(object_folder()).size(), 2u);
}

TEST_F(RtFiles, ThreadsWaitForTheFirst)
{
	EXPECT_EQ(result(spawn([&] {
		std::atomic<int> bad{0};
		std::vector<std::thread> t;
		tp_map("room", MAP_TYPE_array, 4, 8, 1, 4096);
		tp_finish(dir.c_str(), 2);
		for (int i = 0; i < 8; i++)
			t.emplace_back([&] { bad += bpftime_rt1_cold(1) != 1; });
		for (auto &x : t)
			x.join();
		return (int)bad;
	})), 0);
}

// The umask is the program's business, its closed descriptors too.
TEST_F(RtFiles, UmaskAndClosedDescriptorsDoNotMatter)
{
	EXPECT_EQ(result(spawn([&] {
		umask(0777);
		for (int fd = 0; fd < 3; fd++)
			close(fd);
		uint64_t *n = run(dir);
		if (!n || tp.control.private_maps)
			return 100;
		return open("/dev/null", O_RDONLY);	// the lowest is free again
	})), 0);
	struct stat st;
	ASSERT_EQ(stat((dir + "/" + object_folder() + "/room").c_str(), &st), 0);
	EXPECT_EQ(st.st_mode & 0777, 0600u);
	ASSERT_EQ(stat((dir + "/" + object_folder()).c_str(), &st), 0);
	EXPECT_EQ(st.st_mode & 0777, 0700u);
}

// Another shape under the same name is left alone.
TEST_F(RtFiles, AMismatchMakesASibling)
{
	EXPECT_EQ(result(spawn([&] { return !run(dir, 8); })), 0);
	EXPECT_EQ(result(spawn([&] { return !run(dir, 16); })), 0);
	EXPECT_EQ(result(spawn([&] { return !run(dir, 16); })), 0);
	EXPECT_EQ(files(object_folder()), (std::set<std::string>{"room", "slot", "slot.1"}));
}

TEST_F(RtFiles, ADamagedHeaderIsNotReinterpreted)
{
	EXPECT_EQ(result(spawn([&] { return !run(dir); })), 0);
	std::string path = dir + "/" + object_folder() + "/room";
	FILE *f = fopen(path.c_str(), "r+");
	ASSERT_NE(f, nullptr);
	fputs("garbage", f);
	fclose(f);
	ASSERT_EQ(truncate((dir + "/" + object_folder() + "/slot").c_str(), 5000), 0);
	EXPECT_EQ(result(spawn([&] { return (int)(*run(dir) - 1000); })), 0);
	EXPECT_EQ(files(object_folder()),
		  (std::set<std::string>{"room", "room.1", "slot", "slot.1"}));
}

TEST_F(RtFiles, ADirectoryThatOthersCanWriteToIsNotUsed)
{
	auto alone = [&](const std::string &where) {
		return result(spawn([&] {
			uint64_t *n = run(where);
			return !n || *n != 1000 || tp.control.private_maps != 2 || !tp.slot[1];
		}));
	};
	ASSERT_EQ(chmod(dir.c_str(), 0777), 0);
	EXPECT_EQ(alone(dir), 0);
	EXPECT_TRUE(files("").empty());
	ASSERT_EQ(chmod(dir.c_str(), 0700), 0);
	ASSERT_EQ(symlink(dir.c_str(), (dir + ".link").c_str()), 0);
	EXPECT_EQ(alone(dir + ".link"), 0);
	EXPECT_TRUE(files("").empty());
	unlink((dir + ".link").c_str());
	EXPECT_EQ(alone("/proc/nowhere"), 0);
}

// As a kernel's map would be, memory without a file is shared with children.
TEST_F(RtFiles, PrivateMemoryIsSharedWithChildren)
{
	EXPECT_EQ(result(spawn([&] {
		uint64_t *n = run("/proc/nowhere");
		if (!n || result(spawn([&] { return (int)(++*n - 1001); })))
			return 1;
		return (int)(*n != 1001);
	})), 0);
}

// A file over the limit is a signal that ends the program, not only an error.
TEST_F(RtFiles, AFileSizeLimitMeansPrivateMemory)
{
	for (rlim_t limit : {0, 4096, 8191})
		EXPECT_EQ(result(spawn([&] {
			struct rlimit r = {limit, limit};
			setrlimit(RLIMIT_FSIZE, &r);
			uint64_t *n = run(dir);
			return !n || *n != 1000 || tp.control.private_maps != 2 || !tp.slot[1];
		})), 0) << limit;
	EXPECT_TRUE(files(object_folder()).empty());
}

// Some filesystems have no O_TMPFILE; some have no hard links either.
TEST_F(RtFiles, AreMadeWithoutUnnamedFiles)
{
	enum { TMPFILE_BIT = 020000000 };
	auto without = [&](bool links) {
		const sock_filter code[] = {
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_linkat, 0, 1),
			BPF_STMT(BPF_RET | BPF_K, links ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | EPERM),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
			BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, TMPFILE_BIT, 0, 1),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		};
		const sock_fprog prog = {sizeof(code) / sizeof(*code), const_cast<sock_filter *>(code)};
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
			return false;
		return true;
	};
	for (bool links : {true, false}) {
		TearDown();
		SetUp();
		for (int i = 0; i < 2; i++)
			EXPECT_EQ(result(spawn([&] {
				uint64_t *n = without(links) ? run(dir) : nullptr;
				if (!n || tp.control.private_maps)
					return 100;
				return (int)__atomic_fetch_add(n, 1, __ATOMIC_RELAXED) - 1000;
			})), i);
		EXPECT_EQ(files(object_folder()), (std::set<std::string>{"room", "slot"}));
		EXPECT_EQ(files(MAPFMT_CONTROL_DIR), (std::set<std::string>{"cdcdcdcdcdcdcdcd"}));
	}
}

// Some have no fallocate(): the space is written then, and a file is as long as it is with it.
TEST_F(RtFiles, AreMadeWithoutFallocate)
{
	ASSERT_EQ(result(spawn([&] {
		const sock_filter code[] = {
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fallocate, 0, 1),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		};
		const sock_fprog prog = {sizeof(code) / sizeof(*code), const_cast<sock_filter *>(code)};
		tp.object.btf_rel = (int32_t)((char *)tp.name - (char *)&tp.object.btf_rel);
		tp.object.btf_bytes = 100;
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
			return 1;
		return run(dir) && !tp.control.private_maps ? 0 : 2;
	})), 0);
	for (auto [name, bytes] : {std::pair{"room", 8192}, {MAPFMT_BTF_FILE, 100}}) {
		struct stat st;
		ASSERT_EQ(stat((dir + "/" + object_folder() + "/" + name).c_str(), &st), 0) << name;
		EXPECT_EQ(st.st_size, bytes) << name;
		EXPECT_GE(st.st_blocks * 512, st.st_size) << name;
	}
}

TEST_F(RtFiles, AFullFilesystemMeansPrivateMemory)
{
	if (geteuid())
		GTEST_SKIP() << "mounting needs root";
	int how = result(spawn([&] {
		if (unshare(CLONE_NEWNS) || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) ||
		    mount("tmpfs", dir.c_str(), "tmpfs", 0, "size=12k,mode=700"))
			return 99;
		uint64_t *n = run(dir);
		if (!n || !tp.control.private_maps || !tp.slot[1])
			return 1;
		memset(tp.slot[1], 1, 4096);	// no SIGBUS
		return 0;
	}));
	if (how == 99)
		GTEST_SKIP() << "no filesystem can be mounted privately here, as in a chroot";
	EXPECT_EQ(how, 0);
}
