/* SPDX-License-Identifier: MIT
 *
 * bpf_maps.h - maps of the tests' BPF programs.  Behind bpf_helpers.h. */
#pragma once

#define MAP(type_, name_, key_, value_, max_)                                     \
	struct {                                                                  \
		__uint(type, type_);                                              \
		__uint(max_entries, max_);                                        \
		__type(key, key_);                                                \
		__type(value, value_);                                            \
	} name_ SEC(".maps")

#define COUNTER(name_) MAP(BPF_MAP_TYPE_ARRAY, name_, __u32, __u64, 1)

static __always_inline void count_by(void *map, __u64 by)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(map, &zero);

	if (n)
		__sync_fetch_and_add(n, by);
}
