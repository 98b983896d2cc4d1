/* SPDX-License-Identifier: MIT
 * Every way to write a map's key and value, global data in several sections. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct val { u64 a; u32 b; };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 100);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u32);
	__type(value, struct val);
} typed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 7);
	__uint(key_size, 4);
	__uint(value_size, 12);
} sized SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 5000);	/* not a power of two: rounded up */
} ring SEC(".maps");

struct named_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, int);
	__type(value, u64);
};
struct named_map first SEC(".maps"), second SEC(".maps");

const volatile u32 limit = 42;
const volatile char word[8] = "hello";
u64 total = 5;
static volatile u64 hidden_total = 7;
u64 zeroed;
static volatile u32 zeroed_static[3];
u32 other SEC(".data.other") = 9;
u32 other_zero SEC(".bss.other");
static volatile const u64 table[4] SEC(".rodata.table") = { 1, 2, 3, 4 };

SEC("uprobe")
int use_all(struct pt_regs *ctx)
{
	u32 k = 1;
	struct val *v = bpf_map_lookup_elem(&typed, &k);
	u64 *w = bpf_map_lookup_elem(&sized, &k);
	u64 *x = bpf_map_lookup_elem(&first, &k), *y = bpf_map_lookup_elem(&second, &k);

	if (v)
		v->a += limit;
	if (w)
		*w += hidden_total;
	if (x && y)
		*x += *y;
	total += word[1] + table[2];
	hidden_total++;
	zeroed += zeroed_static[2];
	zeroed_static[1] = 3;
	other++;
	other_zero = other;
	bpf_ringbuf_output(&ring, &k, sizeof(k), 0);
	bpf_printk("%d", k);
	return 0;
}

SEC("uretprobe//bin/true:main")
int second_prog(struct pt_regs *ctx)
{
	return zeroed;
}

char LICENSE[] SEC("license") = "GPL";
