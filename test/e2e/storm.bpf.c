/* SPDX-License-Identifier: MIT
 *
 * storm - every kind of operation on every call of work(); what each answered is counted. */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "storm.h"

#define MAP(name_, type_, key_, value_, n_)                                       \
	struct {                                                                  \
		__uint(type, type_);                                              \
		__uint(max_entries, n_);                                          \
		__type(key, key_);                                                \
		__type(value, value_);                                            \
	} name_ SEC(".maps")

MAP(results, BPF_MAP_TYPE_ARRAY, __u32, __u64, STORM_COUNTS);
MAP(by_key, BPF_MAP_TYPE_HASH, __u32, __u64, STORM_KEYS);
MAP(by_cpu, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, 1);
MAP(by_key_cpu, BPF_MAP_TYPE_PERCPU_HASH, __u32, __u64, STORM_KEYS);
MAP(churn, BPF_MAP_TYPE_HASH, __u32, __u64, STORM_KEYS / 2);
MAP(lru, BPF_MAP_TYPE_LRU_HASH, __u32, __u64, STORM_KEYS / 2);

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 64);
	__uint(value_size, 8);
} queue SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 64);
	__uint(value_size, 8);
} stack SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, STORM_RING);
} records SEC(".maps");

static __always_inline void add(__u32 which, __u64 by)
{
	__u64 *n = bpf_map_lookup_elem(&results, &which);

	if (n)
		__sync_fetch_and_add(n, by);
}

/* `which` when it was done, which + 1 when it answered `other`, which + 2 when -EBUSY. */
static __always_inline void note(long r, __u32 which, long other, long other2)
{
	if (!r)
		add(which, 1);
	else if (r == other || r == other2)
		add(which + 1, 1);
	else if (r == -STORM_EBUSY)
		add(which + 2, 1);
	else
		add(STORM_WRONG, 1);
}

static __always_inline void count_in(void *map, __u32 key, __u32 which)
{
	__u64 *n = bpf_map_lookup_elem(map, &key), zero = 0;

	if (!n) {
		if (bpf_map_update_elem(map, &key, &zero, BPF_NOEXIST) == -STORM_EBUSY)
			add(STORM_COUNT_BUSY, 1);
		n = bpf_map_lookup_elem(map, &key);
	}
	if (n)
		__sync_fetch_and_add(n, 1);
	else
		add(which, 1);
}

static __always_inline void through(void *map, __u64 v, __u32 which)
{
	long r;

	if (v & 1) {
		r = bpf_map_push_elem(map, &v, 0);
		note(r, which, -STORM_E2BIG, 0);
		if (!r)
			add(which + 6, v);
	} else {
		r = bpf_map_pop_elem(map, &v);
		note(r, which + 3, -STORM_ENOENT, 0);
		if (!r)
			add(which + 6, -v);
	}
}

SEC("uprobe/work")
int BPF_KPROBE(on_work, unsigned long who, unsigned long seq, unsigned long pid_tgid)
{
	__u64 id = who << 32 | seq;
	__u32 key = (who * 7 + seq) % STORM_KEYS, zero = 0;
	struct storm_record *rec;
	__u64 *n;

	add(STORM_CALLS, 1);
	if (bpf_get_current_pid_tgid() != pid_tgid)
		add(STORM_WRONG, 1);
	count_in(&by_key, key, STORM_NOT_COUNTED);
	count_in(&by_key_cpu, key, STORM_NOT_COUNTED_CPU);
	n = bpf_map_lookup_elem(&by_cpu, &zero);
	if (n)
		__sync_fetch_and_add(n, 1);
	if (id % 3)
		note(bpf_map_update_elem(&churn, &key, &id, BPF_NOEXIST), STORM_INSERT, -STORM_EEXIST,
		     -STORM_E2BIG);
	else
		note(bpf_map_delete_elem(&churn, &key), STORM_DELETE, -STORM_ENOENT, 0);
	note(bpf_map_update_elem(&lru, &key, &id, BPF_ANY), STORM_LRU, -STORM_ENOMEM, 0);
	through(&queue, id * 2 + (id >> 3 & 1), STORM_QUEUE);
	through(&stack, id * 2 + (id >> 2 & 1), STORM_STACK);
	rec = bpf_ringbuf_reserve(&records, sizeof(*rec), 0);
	if (!rec) {
		add(STORM_DROP, 1);
		return 0;
	}
	rec->id = id;
	rec->check = ~id;
	bpf_ringbuf_submit(rec, 0);
	add(STORM_SENT, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
