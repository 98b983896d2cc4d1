/* SPDX-License-Identifier: MIT
 *
 * opensnoop - which files a program opens, and what came of it. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

enum { PATH_BYTES = 128 };

/* The records of syscalls:sys_enter_openat and sys_exit_openat. */
struct openat_enter {
	__u64 common;
	long nr;
	long dfd;
	const char *path;
	long flags, mode;
};
struct openat_exit {
	__u64 common;
	long nr;
	long ret;
};

struct open {
	__u32 pid;
	__s32 ret;	/* descriptor, or -errno */
	__u32 flags;
	char comm[16];
	char path[PATH_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct open);
} begun SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);
} opens SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_openat")
int open_enter(struct openat_enter *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct open o = { .pid = id >> 32, .flags = ctx->flags };

	bpf_get_current_comm(o.comm, sizeof(o.comm));
	bpf_probe_read_user_str(o.path, sizeof(o.path), ctx->path);
	bpf_map_update_elem(&begun, &id, &o, BPF_ANY);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_openat")
int open_exit(struct openat_exit *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct open *o = bpf_map_lookup_elem(&begun, &id);

	if (!o)
		return 0;
	o->ret = ctx->ret;
	bpf_ringbuf_output(&opens, o, sizeof(*o), 0);
	bpf_map_delete_elem(&begun, &id);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
