// Storage of the running task: what each program leaves in `out` is the same in the kernel and here
// (task_storage.cpp).
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

enum { OUT = 64, CREATE = 1 };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, OUT);
	__type(key, __u32);
	__type(value, __u64);
} out SEC(".maps");

struct item {
	__u64 a, b;
	__u8 c[13];
};
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, 1);	/* BPF_F_NO_PREALLOC */
	__type(key, int);
	__type(value, struct item);
} items SEC(".maps");

/* A program that others can jump to has a form that a test can call. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} unused SEC(".maps");

static void answer(__u32 i, __u64 v)
{
	bpf_map_update_elem(&out, &i, &v, BPF_ANY);
}

static void show(__u32 i, struct item *it)
{
	answer(i, it ? it->a * 1000 + it->b + it->c[12] : 99);
}

SEC("raw_tp/sys_enter") int one_after_the_other(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct item first = { .a = 3, .b = 4, .c[12] = 5 }, *it;

	answer(0, task != NULL);
	show(1, bpf_task_storage_get(&items, task, 0, 0));
	show(2, bpf_task_storage_get(&items, task, &first, 0));
	show(3, bpf_task_storage_get(&items, task, &first, 2));
	show(4, bpf_task_storage_get(&items, task, &first, 3));
	show(5, bpf_task_storage_get(&items, task, &first, 1ull << 40));
	answer(6, bpf_task_storage_delete(&items, task));
	it = bpf_task_storage_get(&items, task, &first, CREATE);
	show(7, it);
	if (it)
		it->a = 9;
	first.b = 1;
	show(8, bpf_task_storage_get(&items, task, &first, CREATE));
	show(9, bpf_task_storage_get(&items, task, 0, 0));
	answer(10, bpf_task_storage_delete(&items, task));
	answer(11, bpf_task_storage_delete(&items, task));
	show(12, bpf_task_storage_get(&items, task, 0, 0));
	show(13, bpf_task_storage_get(&items, task, 0, CREATE));
	answer(14, bpf_task_storage_delete(&items, task));
	show(15, bpf_task_storage_get(&items, task, &first, CREATE));
	return 0;
}

SEC("raw_tp/sys_enter") int no_task(void *ctx)
{
	struct item first = { .a = 3 };

	show(0, bpf_task_storage_get(&items, NULL, &first, CREATE));
	answer(1, bpf_task_storage_delete(&items, NULL));
	return 0;
}

SEC("raw_tp/sys_enter") int counted(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct item *it;

	for (int i = 0; i < 20; i++) {
		it = bpf_task_storage_get(&items, task, 0, CREATE);
		if (!it)
			return 0;
		it->a++;
		it->c[12] += 2;
	}
	show(0, bpf_task_storage_get(&items, task, 0, 0));
	return 0;
}
