/* SPDX-License-Identifier: MIT
 *
 * shared_timers - operate(op, key, ms, &said) works on timers of a map that processes share. */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "../bpf_maps.h"
#include "shared_timers.h"

struct item {
	struct bpf_timer timer;
	__u64 fired, by;	/* how often, in which process last */
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct item);
} items SEC(".maps");

COUNTER(starts);		/* begun */
COUNTER(fired);

static int fire(void *map, __u32 *key, struct item *i)
{
	count_by(&fired, 1);
	i->by = bpf_get_current_pid_tgid() >> 32;
	__sync_fetch_and_add(&i->fired, 1);
	return 0;
}

static __s64 start(__u32 key, __u64 ms)
{
	struct item first = {}, *i;

	bpf_map_update_elem(&items, &key, &first, BPF_NOEXIST);
	i = bpf_map_lookup_elem(&items, &key);
	if (!i)
		return -2;
	bpf_timer_init(&i->timer, &items, 1);
	bpf_timer_set_callback(&i->timer, fire);
	count_by(&starts, 1);
	return bpf_timer_start(&i->timer, ms * 1000000ull, 0);
}

SEC("uprobe/operate")
int on_operate(struct pt_regs *ctx)
{
	__u64 op = PT_REGS_PARM1(ctx), ms = PT_REGS_PARM3(ctx);
	__u32 key = PT_REGS_PARM2(ctx);
	struct said said = {};
	struct item first = {}, *i;

	if (op == OP_START)
		said.r = start(key, ms);
	if (op == OP_DELETE)
		said.r = bpf_map_delete_elem(&items, &key);
	if (op == OP_UPDATE)
		said.r = bpf_map_update_elem(&items, &key, &first, BPF_ANY);
	i = bpf_map_lookup_elem(&items, &key);
	if (i && op == OP_CANCEL)
		said.r = bpf_timer_cancel(&i->timer);
	if (i) {
		said.fired = i->fired;
		said.by = i->by;
	}
	bpf_probe_write_user((void *)PT_REGS_PARM4(ctx), &said, sizeof(said));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
