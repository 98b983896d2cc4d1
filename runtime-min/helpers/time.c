/* SPDX-License-Identifier: MIT */
#include "rt_helpers.h"

RT_FAST uint64_t bpftime_h_ktime_get_ns(void)
{
	return bpftime_rt1_ktime_get_ns();
}

RT_FAST uint64_t bpftime_h_ktime_get_boot_ns(void)
{
	return bpftime_rt1_ktime_get_boot_ns();
}

RT_FAST uint64_t bpftime_h_ktime_get_coarse_ns(void)
{
	return bpftime_rt1_ktime_get_coarse_ns();
}

RT_FAST uint64_t bpftime_h_ktime_get_tai_ns(void)
{
	return bpftime_rt1_ktime_get_tai_ns();
}

RT_FAST uint64_t bpftime_h_jiffies64(void)
{
	return bpftime_rt1_jiffies64();
}
