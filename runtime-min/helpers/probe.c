/* SPDX-License-Identifier: MIT
 *
 * probe.c - the bpf_probe_read family.  There is one memory here, the process's own: all of
 * them read it, and a kernel address is as unreadable as any other that is not mapped. */
#include "fault.h"
#include "mem.h"
#include "rt_helpers.h"

#include "arch/x86_64/guard.h"

/* Few bytes are loaded in place where a fault is caught; all others are the archive's. */
RT_INLINE uint64_t read(void *to, uint64_t bytes, uint64_t from)
{
	if (!__builtin_constant_p(bytes) || !bytes || bytes > RT_GUARD_MAX ||
	    rt_unlikely(!rt_load_acquire(&bpftime_rt1_guarded)))
		return bpftime_rt1_read_user((uint64_t)to, bytes, from);
	if (rt_likely(!rt_guarded_copy(to, from, bytes)))
		return 0;
	rt_zero(to, bytes);
	return (uint64_t)-RT_EFAULT;
}

#define PROBE_READ(name_)                                                                 \
	RT_FAST uint64_t bpftime_h_##name_(void *to, uint64_t bytes, uint64_t from)       \
	{                                                                                 \
		return read(to, bytes, from);                                             \
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

/* Kernel: bpf_rdonly_cast(), and loads with an exception table behind it. */
RT_FAST uint64_t bpftime_h_rdonly_cast(uint64_t address, uint64_t type)
{
	(void)type;
	return address;
}

RT_FAST uint64_t bpftime_h_load_anywhere(uint64_t address, uint64_t bytes)
{
	uint64_t v = 0;

	read(&v, bytes, address);
	return v;
}

RT_FAST uint64_t bpftime_h_probe_write_user(uint64_t to, const void *from, uint64_t bytes)
{
	return bpftime_rt1_write_user(to, bytes, (uint64_t)from);
}
