// SPDX-License-Identifier: MIT
// Counts system calls by number, in each of the ways that a program may ask for them.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct enter {
	__u64 common;
	long id;
	unsigned long args[6];
};
struct leave {
	__u64 common;
	long id;
	long ret;
};
struct raw {
	__u64 args[2];
};

struct counts {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 512);
	__type(key, __u32);
	__type(value, __u64);
};
struct counts entered SEC(".maps"), left SEC(".maps"), raw_entered SEC(".maps"), raw_left SEC(".maps");
struct counts seen SEC(".maps");	/* what test/syscalls/calls.c makes with known arguments */

static __always_inline void add(void *map, __u32 key, __u64 n)
{
	__u64 *p = bpf_map_lookup_elem(map, &key);

	if (p)
		__sync_fetch_and_add(p, n);
}

SEC("tracepoint/raw_syscalls/sys_enter")
int on_enter(struct enter *c)
{
	add(&entered, c->id, 1);
	return 0;
}

SEC("tp/raw_syscalls/sys_exit")
int on_exit(struct leave *c)
{
	add(&left, c->id, 1);
	return 0;
}

SEC("raw_tracepoint/sys_enter")
int on_raw_enter(struct raw *c)
{
	struct pt_regs regs;

	if (!bpf_probe_read_kernel(&regs, sizeof(regs), (void *)c->args[0]) && regs.orig_ax == c->args[1])
		add(&raw_entered, c->args[1], 1);
	return 0;
}

SEC("raw_tp/sys_exit")
int on_raw_exit(struct raw *c)
{
	struct pt_regs regs;

	if (!bpf_probe_read_kernel(&regs, sizeof(regs), (void *)c->args[0]) && regs.ax == c->args[1])
		add(&raw_left, regs.orig_ax, 1);
	return 0;
}

/* kill(pid, 0) of a process that is not there, with a pid that sums up. */
SEC("tracepoint/syscalls/sys_enter_kill")
int on_kill(struct enter *c)
{
	add(&seen, 0, c->args[0]);
	add(&seen, 1, c->args[1]);
	add(&seen, 2, bpf_get_attach_cookie(c));
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_kill")
int on_killed(struct leave *c)
{
	add(&seen, 3, -c->ret);
	return 0;
}

/* six arguments: mmap of nothing, which fails */
SEC("tracepoint/syscalls/sys_enter_mmap")
int on_mmap(struct enter *c)
{
	if (c->args[1])
		return 0;
	add(&seen, 4, 1);
	for (int i = 0; i < 6; i++)
		add(&seen, 5 + i, c->args[i]);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
