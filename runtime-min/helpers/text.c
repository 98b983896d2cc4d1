/* SPDX-License-Identifier: MIT */
#include "rt_helpers.h"

RT_FAST uint64_t bpftime_h_snprintf(void *out, uint64_t bytes, const void *fmt, const void *data,
				    uint64_t data_bytes)
{
	return bpftime_rt1_snprintf((uint64_t)out, bytes, (uint64_t)fmt, (uint64_t)data, data_bytes);
}

RT_FAST uint64_t bpftime_h_trace_vprintk(const void *fmt, uint64_t bytes, const void *data,
					 uint64_t data_bytes)
{
	return bpftime_rt1_trace_vprintk((uint64_t)fmt, bytes, (uint64_t)data, data_bytes);
}

RT_FAST uint64_t bpftime_h_strtol(const void *at, uint64_t bytes, uint64_t flags, void *to)
{
	return bpftime_rt1_strtol((uint64_t)at, bytes, flags, (uint64_t)to);
}

RT_FAST uint64_t bpftime_h_strtoul(const void *at, uint64_t bytes, uint64_t flags, void *to)
{
	return bpftime_rt1_strtoul((uint64_t)at, bytes, flags, (uint64_t)to);
}

RT_FAST uint64_t bpftime_h_strncmp(const void *a, uint64_t bytes, const void *b)
{
	return bpftime_rt1_strncmp((uint64_t)a, bytes, (uint64_t)b);
}

RT_FAST uint64_t bpftime_h_csum_diff(const void *from, uint64_t from_bytes, const void *to,
				     uint64_t to_bytes, uint64_t seed)
{
	return bpftime_rt1_csum_diff((uint64_t)from, from_bytes, (uint64_t)to, to_bytes, seed);
}
