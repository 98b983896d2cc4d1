/* SPDX-License-Identifier: MIT
 *
 * funclatency - how long calls of a function take, as a log2 histogram of nanoseconds.
 *
 * Name the function twice: `bpftime-patch --uprobe NAME --uretprobe NAME`. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "log2.h"

/* A call is known by its thread and by the stack pointer its caller gets back, so that
 * recursive calls keep apart.  A call that never returns (longjmp, exit) leaves an
 * entry, which the next call at the same depth overwrites. */
struct call {
	__u64 sp;
	__u64 pid_tgid;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct call);
	__type(value, __u64);	/* when it began */
} started SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, HIST_SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} latency SEC(".maps");

SEC("uprobe")
int func_enter(struct pt_regs *ctx)
{
	/* At the entry the return address is still on the stack. */
	struct call call = { PT_REGS_SP(ctx) + 8, bpf_get_current_pid_tgid() };
	__u64 now = bpf_ktime_get_ns();

	bpf_map_update_elem(&started, &call, &now, BPF_ANY);
	return 0;
}

SEC("uretprobe")
int func_return(struct pt_regs *ctx)
{
	__u64 now = bpf_ktime_get_ns();
	struct call call = { PT_REGS_SP(ctx), bpf_get_current_pid_tgid() };
	__u64 *begin = bpf_map_lookup_elem(&started, &call);

	if (!begin)
		return 0;	/* it began before we were there */
	log2_count(&latency, now - *begin);
	bpf_map_delete_elem(&started, &call);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
