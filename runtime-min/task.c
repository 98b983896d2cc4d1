/* SPDX-License-Identifier: MIT
 *
 * task.c - signals to oneself, ids in namespaces and cgroups. */
#include "arch/x86_64/sys.h"
#include "mem.h"
#include "proc.h"
#include "text.h"

enum {
	MAX_SIGNAL = 64, SI_KERNEL = 0x80, PATH_BYTES = 512,
	STAT_BYTES = 144, STATFS_BYTES = 120,
};
#define CGROUP2_MAGIC 0x63677270

struct siginfo_ {
	int32_t signo, err, code, pad[29];
};

/* Kernel: bpf_send_signal_common().  The handler runs at once, not after the hook. */
static uint64_t send(uint64_t signal, bool to_thread)
{
	int64_t pid = rt_sys0(SYS_getpid), tid = rt_sys0(SYS_gettid), r;
	struct siginfo_ si = { 0 };
	uint32_t sig = (uint32_t)signal;

	if (sig > MAX_SIGNAL)
		return (uint64_t)-RT_EINVAL;
	if (!sig)
		return 0;
	si.signo = (int32_t)sig;
	si.code = SI_KERNEL;
	if (to_thread)
		r = rt_sys4(SYS_rt_tgsigqueueinfo, pid, tid, sig, &si);
	else if (pid == tid)	/* only then may one say who sends it */
		r = rt_sys3(SYS_rt_sigqueueinfo, pid, sig, &si);
	else
		r = rt_sys2(SYS_kill, pid, sig);
	return (uint64_t)r;
}

uint64_t rt_send_signal(uint64_t signal)
{
	return send(signal, false);
}

uint64_t rt_send_signal_thread(uint64_t signal)
{
	return send(signal, true);
}

/* Kernel: bpf_get_ns_current_pid_tgid(): only of the pid namespace this process is in. */
uint64_t rt_ns_pid_tgid(uint64_t dev, uint64_t ino, uint64_t to, uint64_t bytes)
{
	uint64_t st[STAT_BYTES / 8] = { 0 };
	uint32_t id[2];

	rt_zero((void *)to, bytes);
	if (bytes != sizeof(id))
		return (uint64_t)-RT_EINVAL;
	if (rt_sys4(SYS_newfstatat, AT_FDCWD, "/proc/self/ns/pid", st, 0) || st[0] != dev ||
	    st[1] != ino)
		return (uint64_t)-RT_EINVAL;
	id[0] = (uint32_t)rt_sys0(SYS_gettid);
	id[1] = (uint32_t)rt_sys0(SYS_getpid);
	rt_copy((void *)to, id, sizeof(id));
	return 0;
}

/* The inode of `mount` + path, if that is the unified hierarchy; else 0. */
static uint64_t inode_in(const char *mount, const char *path, uint32_t path_bytes)
{
	uint64_t st[STAT_BYTES / 8] = { 0 }, fs[STATFS_BYTES / 8] = { 0 };
	char at[PATH_BYTES];
	struct rt_text t = rt_text(at, sizeof(at));

	rt_put(&t, mount);
	for (uint32_t i = 0; i < path_bytes; i++)
		rt_put_char(&t, path[i]);
	if (t.cut || rt_sys2(SYS_statfs, at, fs) || fs[0] != CGROUP2_MAGIC ||
	    rt_sys4(SYS_newfstatat, AT_FDCWD, at, st, 0))
		return 0;
	return st[1];
}

/* The thread's cgroup in the unified hierarchy: its path from there, in buf; 0 bytes: not known.
 * In a thread it may be another than the process's (cgroup.type threaded). */
static uint32_t cgroup_path(char *buf, uint32_t bytes, const char **path)
{
	int64_t n = rt_read_file("/proc/thread-self/cgroup", buf, bytes);

	for (int64_t i = 0; i + 3 < n; i++) {
		int64_t end = i + 3;

		if ((i && buf[i - 1] != '\n') || buf[i] != '0' || buf[i + 1] != ':' || buf[i + 2] != ':')
			continue;
		while (end < n && buf[end] != '\n')
			end++;
		*path = buf + i + 3;
		return (uint32_t)(end - i - 3);
	}
	return 0;
}

/* The id of the cgroup of that path: its inode number, as for the kernel. */
static uint64_t cgroup_at(const char *path, uint32_t bytes)
{
	uint64_t id = inode_in("/sys/fs/cgroup", path, bytes);

	return id ? id : inode_in("/sys/fs/cgroup/unified", path, bytes);
}

uint64_t rt_cgroup_id(void)
{
	char buf[2 * PATH_BYTES];
	const char *path = NULL;
	uint32_t n = cgroup_path(buf, sizeof(buf) - 1, &path);

	return n ? cgroup_at(path, n) : 0;
}

/* Kernel: bpf_current_task_under_cgroup().  Nothing tells a process that it was moved, so it
 * asks each time: is the thread's cgroup that one, or one above it? */
uint64_t rt_under_cgroup(uint64_t map, uint64_t base, uint64_t index)
{
	const struct bpftime_map *m = (const struct bpftime_map *)map;
	char buf[2 * PATH_BYTES];
	const char *path = NULL;
	uint32_t n;
	uint64_t id;

	if ((uint32_t)index >= m->max_entries)
		return (uint64_t)-RT_E2BIG;
	id = rt_load_acquire((const uint64_t *)base + (uint32_t)index);
	if (!id)
		return (uint64_t)-RT_EAGAIN;
	n = cgroup_path(buf, sizeof(buf) - 1, &path);
	while (n) {
		if (cgroup_at(path, n) == id)
			return 1;
		while (n && path[--n] != '/')
			;
		if (!n)
			return cgroup_at("/", 1) == id;
	}
	return 0;
}
