// SPDX-License-Identifier: MIT
// Keeps all arguments of the last hit of each form, which the first argument numbers.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>

struct form {
	__u64 hits;
	__s64 cookie, n_arg;
	__s64 arg[12];
	__s64 err[12];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct form);
} forms SEC(".maps");

SEC("usdt")
int keep(struct pt_regs *ctx)
{
	struct form *f;
	long v = 0;
	__u32 key;

	if (bpf_usdt_arg(ctx, 0, &v))
		v = 0;
	key = v;
	f = bpf_map_lookup_elem(&forms, &key);
	if (!f)
		return 0;
	f->hits++;
	f->cookie = bpf_usdt_cookie(ctx);
	f->n_arg = bpf_usdt_arg_cnt(ctx);
	for (int i = 0; i < 12; i++) {
		f->err[i] = bpf_usdt_arg(ctx, i, &v);
		f->arg[i] = v;
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
