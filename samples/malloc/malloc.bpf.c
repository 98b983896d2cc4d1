/* SPDX-License-Identifier: MIT
 *
 * malloc - count calls of malloc and the bytes asked for, for each process.
 *
 * The hook goes where the binary imports malloc from libc: calls that the C library
 * or other libraries make among themselves are not seen. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct usage {
	__u64 calls;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);	/* pid */
	__type(value, struct usage);
} usage_of_pid SEC(".maps");

SEC("uprobe/libc.so.6:malloc")
int BPF_KPROBE(count_malloc, unsigned long bytes)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct usage *u = bpf_map_lookup_elem(&usage_of_pid, &pid);

	if (!u) {
		struct usage none = {};

		/* Another thread may be first: then its entry serves. */
		bpf_map_update_elem(&usage_of_pid, &pid, &none, BPF_NOEXIST);
		u = bpf_map_lookup_elem(&usage_of_pid, &pid);
		if (!u)
			return 0;	/* the map is full */
	}
	__sync_fetch_and_add(&u->calls, 1);
	__sync_fetch_and_add(&u->bytes, bytes);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
