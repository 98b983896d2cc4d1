/* SPDX-License-Identifier: MIT
 *
 * request - what a user probe of the middling kind does: reads arguments and user memory,
 * filters by constants, keeps a start time, counts in a histogram, sends a record.  About as
 * many instructions as the median program in the field, 120. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

enum { SLOTS = 32, NAME = 32 };

struct start {
	__u64 at_ns, bytes;
};

struct record {
	__u32 pid, tid;
	__u64 took_ns, bytes;
	char  comm[16], name[NAME];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct start);
} starts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64[SLOTS]);
} histogram SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
} records SEC(".maps");

const volatile __u32 only_pid = 0;
const volatile __u64 at_least_ns = 0;

static __always_inline unsigned slot_of(__u64 v)
{
	unsigned slot = 0;

	for (int bit = 16; bit; bit >>= 1)
		if (v >> bit) {
			v >>= bit;
			slot += bit;
		}
	return slot < SLOTS ? slot : SLOTS - 1;
}

SEC("uprobe")
int hook(struct pt_regs *ctx)
{
	__u64 id = bpf_get_current_pid_tgid(), took;
	__u32 pid = id >> 32, tid = (__u32)id, zero = 0;
	struct start *s, now = {};
	struct record *r;
	__u64 *slots;

	if (only_pid && pid != only_pid)
		return 0;
	s = bpf_map_lookup_elem(&starts, &tid);
	if (!s) {
		now.at_ns = bpf_ktime_get_ns();
		now.bytes = PT_REGS_PARM3(ctx);
		bpf_map_update_elem(&starts, &tid, &now, 0);
		return 0;
	}
	took = bpf_ktime_get_ns() - s->at_ns;
	now.bytes = s->bytes;
	bpf_map_delete_elem(&starts, &tid);
	slots = bpf_map_lookup_elem(&histogram, &zero);
	if (slots)
		__sync_fetch_and_add(&slots[slot_of(took)], 1);
	if (took < at_least_ns)
		return 0;
	r = bpf_ringbuf_reserve(&records, sizeof(*r), 0);
	if (!r)
		return 0;
	r->pid = pid;
	r->tid = tid;
	r->took_ns = took;
	r->bytes = now.bytes;
	bpf_get_current_comm(r->comm, sizeof(r->comm));
	if (bpf_probe_read_user_str(r->name, sizeof(r->name), (void *)PT_REGS_PARM2(ctx)) < 0)
		bpf_ringbuf_discard(r, 0);
	else
		bpf_ringbuf_submit(r, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
