/* SPDX-License-Identifier: MIT
 *
 * rich - maps whose BTF has one of everything that can stand in a key or a value. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

typedef unsigned char byte;
enum colour { RED, GREEN = 5, BLUE = -1 };
enum size { SMALL, LARGE = 7 };

struct inner {
	__u16 a;
	__s8 b;
	bool on;
};

struct rich {
	__u8 u8;
	__s8 s8;
	__u16 u16;
	__s16 s16;
	__u32 u32;
	__s32 s32;
	__u64 u64;
	__s64 s64;
	unsigned __int128 wide;
	char letter;
	char name[8];
	byte raw[3];
	unsigned low : 3;
	unsigned mid : 13;
	int neg : 5;
	enum colour colour;
	enum size size;
	struct inner inner;
	struct inner pair[2];
	union {
		__u32 word;
		__u8 parts[4];
	};
	const void *pointer;
	__u32 grid[2][3];
	volatile __u64 counter;
};

struct key {
	__u32 pid;
	char comm[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct key);
	__type(value, struct rich);
} rich SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct inner);
} percpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u64);
} plain SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__uint(key_size, 4);
	__uint(value_size, 6);
} untyped SEC(".maps");

/* Written before anything is attached, so that clang keeps them. */
__u64 total = 7;
struct inner last = { 1, -2, true };

SEC("uprobe")
int touch(struct pt_regs *ctx)
{
	__u32 zero = 0;
	struct inner *in = bpf_map_lookup_elem(&percpu, &zero);
	__u64 *n = bpf_map_lookup_elem(&plain, &zero);
	void *u = bpf_map_lookup_elem(&untyped, &zero);
	struct key k = {};

	bpf_map_delete_elem(&rich, &k);
	if (in && n && u) {
		*n += in->a;
		last = *in;
	}
	__sync_fetch_and_add(&total, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
