/* SPDX-License-Identifier: MIT
 *
 * usdt - which modules a Python program imports, how often it looks for each, and for how
 * long: the interpreter's own probes (python -> provider, import__find__load__* -> names). */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>

enum { NAME_BYTES = 48 };

struct module {
	char name[NAME_BYTES];
};
struct use {
	__u64 times, found, ns;
};
/* Imports nest, but the name's place in memory tells one from another. */
struct search {
	__u64 pid_tgid, name;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct module);
	__type(value, struct use);
} modules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct search);
	__type(value, __u64);	/* when it began */
} begun SEC(".maps");

SEC("usdt/python3.11:python:import__find__load__start")
int BPF_USDT(import_start, const char *name)
{
	struct search key = { bpf_get_current_pid_tgid(), (__u64)name };
	__u64 now = bpf_ktime_get_ns();

	bpf_map_update_elem(&begun, &key, &now, BPF_ANY);
	return 0;
}

SEC("usdt/python3.11:python:import__find__load__done")
int BPF_USDT(import_done, const char *name, int found)
{
	struct search key = { bpf_get_current_pid_tgid(), (__u64)name };
	__u64 *then = bpf_map_lookup_elem(&begun, &key), now = bpf_ktime_get_ns();
	struct module m = {};
	struct use none = {}, *use;

	if (!then)
		return 0;
	bpf_probe_read_user_str(m.name, sizeof(m.name), name);
	bpf_map_update_elem(&modules, &m, &none, BPF_NOEXIST);
	use = bpf_map_lookup_elem(&modules, &m);
	if (use) {
		__sync_fetch_and_add(&use->times, 1);
		__sync_fetch_and_add(&use->found, !!found);
		__sync_fetch_and_add(&use->ns, now - *then);
	}
	bpf_map_delete_elem(&begun, &key);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
