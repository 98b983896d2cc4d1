/* SPDX-License-Identifier: MIT
 *
 * timed - work(ms) starts a timer of its process, again and again. */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "../bpf_maps.h"

struct item {
	struct bpf_timer timer;
	__u64 calls;
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct item);
} items SEC(".maps");

COUNTER(fired);
COUNTER(astray);
COUNTER(refused);

static int fire(void *map, __u32 *pid, struct item *i)
{
	count_by(&fired, 1);
	if (bpf_get_current_pid_tgid() >> 32 != *pid)
		count_by(&astray, 1);
	return 0;
}

SEC("uprobe/work")
int on_work(struct pt_regs *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct item first = {}, *i;

	bpf_map_update_elem(&items, &pid, &first, BPF_NOEXIST);
	i = bpf_map_lookup_elem(&items, &pid);
	if (!i)
		return 0;
	bpf_timer_init(&i->timer, &items, 1);
	bpf_timer_set_callback(&i->timer, fire);
	if (bpf_timer_start(&i->timer, PT_REGS_PARM1(ctx) * 1000000ull, 0))
		count_by(&refused, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
