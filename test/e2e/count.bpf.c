/* SPDX-License-Identifier: MIT */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "../bpf_maps.h"

COUNTER(entries);
COUNTER(returns);

SEC("uprobe")
int on_entry(void *ctx)
{
	count_by(&entries, 1);
	return 0;
}

SEC("uretprobe")
int on_return(void *ctx)
{
	count_by(&returns, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
