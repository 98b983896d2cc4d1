/* SPDX-License-Identifier: MIT
 *
 * What the probes of a database server say: statements by their text, sorts and reads by their
 * arguments. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>

struct seen {
	__u64 probe;
	__s64 arg[8];
	char  text[64];
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct seen);
	__type(value, __u64);
} seen SEC(".maps");

static __always_inline int count(struct seen *s)
{
	__u64 none = 0, *n;

	bpf_map_update_elem(&seen, s, &none, BPF_NOEXIST);
	n = bpf_map_lookup_elem(&seen, s);
	if (n)
		__sync_fetch_and_add(n, 1);
	return 0;
}

#define STATEMENT(number_, name_)                                                 \
	SEC("usdt/postgres:postgresql:" #name_)                                     \
	int BPF_USDT(name_, const char *text)                                     \
	{                                                                         \
		struct seen s = { number_ };                                      \
		bpf_probe_read_user_str(s.text, sizeof(s.text), text);            \
		return count(&s);                                                 \
	}
STATEMENT(1, query__start)
STATEMENT(2, query__done)
STATEMENT(3, query__parse__start)
STATEMENT(4, query__rewrite__done)

#define ARGUMENTS(number_, n_, name_)                                             \
	SEC("usdt/postgres:postgresql:" #name_)                                     \
	int name_(struct pt_regs *ctx)                                            \
	{                                                                         \
		struct seen s = { number_ };                                      \
		long v;                                                           \
		for (int i = 0; i < n_; i++)                                      \
			if (!bpf_usdt_arg(ctx, i, &v))                            \
				s.arg[i] = v;                                     \
		return count(&s);                                                 \
	}
ARGUMENTS(5, 6, sort__start)
ARGUMENTS(6, 2, sort__done)
ARGUMENTS(7, 7, buffer__read__start)
ARGUMENTS(8, 8, buffer__read__done)
ARGUMENTS(9, 0, query__execute__start)
ARGUMENTS(10, 1, transaction__start)
ARGUMENTS(11, 1, buffer__sync__done)

char LICENSE[] SEC("license") = "GPL";
