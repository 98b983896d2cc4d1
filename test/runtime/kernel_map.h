// SPDX-License-Identifier: MIT
// The oracle: the kernel's own maps, through bpf().  Results are 0 or -errno.
#ifndef TEST_RUNTIME_KERNEL_MAP_H
#define TEST_RUNTIME_KERNEL_MAP_H

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "objfmt.h"

struct KernelMap {
	int fd;
	bool keyed;	// else bpf() takes no key

	// inner: what the maps of a map of maps are like
	explicit KernelMap(const bpftime_map &m, int inner = -1) : keyed(m.key_size)
	{
		union bpf_attr a;
		memset(&a, 0, sizeof(a));
		a.map_type = m.type;
		a.key_size = m.key_size;
		a.value_size = m.value_size;
		a.max_entries = m.max_entries;
		a.map_flags = m.flags;
		a.map_extra = m.map_extra;
		if (inner >= 0)
			a.inner_map_fd = (uint32_t)inner;
		fd = call(BPF_MAP_CREATE, a);
	}
	~KernelMap()
	{
		if (fd >= 0)
			close(fd);
	}
	KernelMap(const KernelMap &) = delete;
	KernelMap &operator=(const KernelMap &) = delete;
	int lookup(const void *key, void *value, uint64_t flags)
	{
		return elem(BPF_MAP_LOOKUP_ELEM, key, value, flags);
	}
	int update(const void *key, const void *value, uint64_t flags)
	{
		return elem(BPF_MAP_UPDATE_ELEM, key, value, flags);
	}
	int remove(const void *key) { return elem(BPF_MAP_DELETE_ELEM, key, nullptr, 0); }
	int take(const void *key, void *value, uint64_t flags)
	{
		return elem(BPF_MAP_LOOKUP_AND_DELETE_ELEM, key, value, flags);
	}
	int next(const void *key, void *out)
	{
		return elem(BPF_MAP_GET_NEXT_KEY, key, out, 0);
	}
	static int call(int cmd, union bpf_attr &a)
	{
		long r = syscall(SYS_bpf, cmd, &a, sizeof(a));
		return r < 0 ? -errno : (int)r;
	}

private:
	int elem(int cmd, const void *key, const void *value, uint64_t flags)
	{
		union bpf_attr a;
		memset(&a, 0, sizeof(a));
		a.map_fd = (uint32_t)fd;
		a.key = keyed ? (uint64_t)(uintptr_t)key : 0;
		a.value = (uint64_t)(uintptr_t)value;
		a.flags = flags;
		return call(cmd, a);
	}
};

#endif
