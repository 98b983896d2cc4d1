// SPDX-License-Identifier: MIT
// bpf_current_task_under_cgroup: a process that is moved from cgroup to cgroup is told what the
// kernel's helper, asked from the same process, tells.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "helpers.h"
#include "kernel_map.h"
#include "map_mem.h"
#include "rt_helpers.h"

namespace {

std::string mount_point()
{
	for (const char *at : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
		struct statfs fs;
		if (!statfs(at, &fs) && fs.f_type == CGROUP2_SUPER_MAGIC)
			return at;
	}
	return "";
}

// The kernel's own answer for the process that calls.
struct KernelHelper {
	int fd;
	KernelHelper(int map, int32_t index)
	{
		const bpf_insn code[] = {
			{BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, map}, {0, 0, 0, 0, 0},
			{BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, index},
			{BPF_JMP | BPF_CALL, 0, 0, 0, HELPER_current_task_under_cgroup},
			{BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
		};
		union bpf_attr a;
		memset(&a, 0, sizeof(a));
		a.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
		a.insns = (uint64_t)(uintptr_t)code;
		a.insn_cnt = sizeof(code) / sizeof(*code);
		a.license = (uint64_t)(uintptr_t)"GPL";
		fd = KernelMap::call(BPF_PROG_LOAD, a);
	}
	~KernelHelper() { close(fd); }
	int ask() const
	{
		union bpf_attr a;
		memset(&a, 0, sizeof(a));
		a.test.prog_fd = (uint32_t)fd;
		return KernelMap::call(BPF_PROG_TEST_RUN, a) ? INT32_MIN : (int)a.test.retval;
	}
};

bool move_to(const std::string &group)
{
	int fd = open((group + "/cgroup.procs").c_str(), O_WRONLY);
	bool ok = fd >= 0 && write(fd, "0", 1) == 1;
	close(fd);
	return ok;
}

}  // namespace

TEST(RtCgroup, UnderACgroupAsInTheKernel)
{
	std::string top = mount_point();
	if (top.empty())
		GTEST_SKIP() << "no unified hierarchy is mounted at /sys/fs/cgroup";
	std::string a = top + "/bpftime-test-" + std::to_string(getpid()), b = a + "/below", c = a + "-other";
	std::vector<std::string> groups = {top, a, b, c};
	if (mkdir(a.c_str(), 0755))
		GTEST_SKIP() << "cgroups cannot be made here";
	mkdir(b.c_str(), 0755);
	mkdir(c.c_str(), 0755);
	pid_t pid = fork();
	if (!pid) {
		KernelMap kernel(map_attrs(MAP_TYPE_cgroup_array, 4, 4, 6));
		MapMem ours(map_attrs(MAP_TYPE_cgroup_array, 4, 4, 6));
		if (kernel.fd < 0)
			_exit(77);
		for (uint32_t i = 0; i < groups.size(); i++) {
			struct stat st;
			int fd = open(groups[i].c_str(), O_RDONLY | O_DIRECTORY);
			if (fd < 0 || fstat(fd, &st))
				_exit(1);
			uint64_t id = st.st_ino;
			if (kernel.update(&i, &fd, 0) || rt_map_update(&ours.m, ours.base, &i, &id, 0))
				_exit(2);
		}
		int answers = 0;
		for (auto &where : {b, a, c, top, b}) {
			if (!move_to(where))
				_exit(3);
			for (int32_t index : {0, 1, 2, 3, 4, 5, 6, -1}) {	// 4, 5: empty; 6: outside
				KernelHelper k(kernel.fd, index);
				int want = k.ask();
				int got = (int)bpftime_h_current_task_under_cgroup(&ours.m, ours.base, (uint64_t)(int64_t)index);
				if (want == INT32_MIN)
					_exit(77);
				if (got != want) {
					fprintf(stderr, "in %s, index %d: %d, the kernel says %d\n", where.c_str(), index, got, want);
					_exit(4);
				}
				answers += want == 1;
			}
		}
		move_to(top);
		_exit(answers > 5 ? 0 : 5);
	}
	int status;
	waitpid(pid, &status, 0);
	rmdir(b.c_str());
	rmdir(a.c_str());
	rmdir(c.c_str());
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		GTEST_SKIP() << "bpf() is not permitted";
	EXPECT_EQ(status, 0);
}
