/* SPDX-License-Identifier: MIT
 *
 * guest - a hook that uses everything once: its host must not notice. */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define MAP(name_, type_, key_, value_, n_)                                       \
	struct {                                                                  \
		__uint(type, type_);                                              \
		__uint(max_entries, n_);                                          \
		__type(key, key_);                                                \
		__type(value, value_);                                            \
	} name_ SEC(".maps")

MAP(calls, BPF_MAP_TYPE_ARRAY, __u32, __u64, 1);
MAP(returns, BPF_MAP_TYPE_ARRAY, __u32, __u64, 1);
MAP(hash, BPF_MAP_TYPE_HASH, __u32, __u64, 16);
MAP(lru, BPF_MAP_TYPE_LRU_HASH, __u64, __u64, 16);
MAP(per_cpu, BPF_MAP_TYPE_PERCPU_HASH, __u32, __u64, 16);

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 64);
	__uint(key_size, 4);
	__uint(value_size, 20 * 8);
} stacks SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 4);
	__uint(value_size, 8);
} queue SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} perf SEC(".maps");

static __always_inline void count(void *map)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(map, &zero);

	if (n)
		__sync_fetch_and_add(n, 1);
}

SEC("uprobe/work")
int BPF_KPROBE(on_work, unsigned long n, const char *text)
{
	char comm[16], copy[32], line[32];
	__u32 key = n % 8;
	__u64 v = n + 1;
	long number;

	count(&calls);
	v += bpf_get_current_pid_tgid() + bpf_get_current_uid_gid() + bpf_ktime_get_ns() +
	     bpf_ktime_get_boot_ns() + bpf_get_smp_processor_id() +
	     bpf_get_numa_node_id() + bpf_get_prandom_u32() + bpf_jiffies64() +
	     bpf_get_current_cgroup_id();
	bpf_get_current_comm(comm, sizeof(comm));
	bpf_probe_read_user(copy, sizeof(copy), text);
	bpf_probe_read_user_str(copy, sizeof(copy), text);
	bpf_probe_read_user(copy, sizeof(copy), (void *)8);	/* not there */
	bpf_probe_read_user(copy, sizeof(copy), (void *)(n << 13));
	bpf_strtol("17", 2, 0, &number);
	BPF_SNPRINTF(line, sizeof(line), "call %d", n);
	bpf_trace_printk("call %d", 8, n);
	bpf_map_update_elem(&hash, &key, &v, BPF_ANY);
	bpf_map_delete_elem(&hash, &key);
	bpf_map_update_elem(&lru, &v, &v, BPF_ANY);
	bpf_map_update_elem(&per_cpu, &key, &v, BPF_ANY);
	bpf_map_push_elem(&queue, &v, BPF_EXIST);
	bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK);
	bpf_ringbuf_output(&ring, &v, sizeof(v), 0);
	bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, &v, sizeof(v));
	return 0;
}

SEC("uretprobe/work")
int BPF_KRETPROBE(on_return, long r)
{
	char copy[16];

	count(&returns);
	bpf_probe_read_user(copy, sizeof(copy), (void *)r);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
