/* SPDX-License-Identifier: MIT */
#include "rt_helpers.h"

RT_FAST uint64_t bpftime_h_trace_printk(void *fmt, uint64_t bytes, uint64_t a, uint64_t b,
					uint64_t c)
{
	return bpftime_rt1_trace_printk((uint64_t)fmt, bytes, a, b, c);
}
