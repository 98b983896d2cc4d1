/* SPDX-License-Identifier: MIT
 *
 * probe.c - the bpf_probe_read family.  There is one memory here, the process's own: all of
 * them read it, and a kernel address is as unreadable as any other that is not mapped. */
#include "rt_helpers.h"

#define PROBE_READ(name_)                                                                 \
	RT_FAST uint64_t bpftime_h_##name_(void *to, uint64_t bytes, uint64_t from)       \
	{                                                                                 \
		return bpftime_rt1_read_user((uint64_t)to, bytes, from);                  \
	}
#define PROBE_READ_STR(name_)                                                             \
	RT_FAST uint64_t bpftime_h_##name_(void *to, uint64_t bytes, uint64_t from)       \
	{                                                                                 \
		return bpftime_rt1_read_user_str((uint64_t)to, bytes, from);              \
	}

PROBE_READ(probe_read)
PROBE_READ(probe_read_user)
PROBE_READ(probe_read_kernel)
PROBE_READ(copy_from_user)
PROBE_READ_STR(probe_read_str)
PROBE_READ_STR(probe_read_user_str)
PROBE_READ_STR(probe_read_kernel_str)

RT_FAST uint64_t bpftime_h_probe_write_user(uint64_t to, const void *from, uint64_t bytes)
{
	return bpftime_rt1_write_user(to, bytes, (uint64_t)from);
}
