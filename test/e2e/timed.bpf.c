/* SPDX-License-Identifier: MIT
 *
 * timed - work(ms) starts a timer of its process, again and again. */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

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

#define COUNT(name_)                                                              \
	struct {                                                                  \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                 \
		__uint(max_entries, 1);                                           \
		__type(key, __u32);                                               \
		__type(value, __u64);                                             \
	} name_ SEC(".maps")
COUNT(fired);
COUNT(astray);
COUNT(refused);

static void count(void *map)
{
	__u32 zero = 0;
	__u64 *v = bpf_map_lookup_elem(map, &zero);

	if (v)
		__sync_fetch_and_add(v, 1);
}

static int fire(void *map, __u32 *pid, struct item *i)
{
	count(&fired);
	if (bpf_get_current_pid_tgid() >> 32 != *pid)
		count(&astray);
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
		count(&refused);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
