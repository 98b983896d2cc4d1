/* SPDX-License-Identifier: MIT
 *
 * ident.c - questions about the running thread that only the kernel answers. */
#include "arch/x86_64/sys.h"
#include "mem.h"
#include "rt_base.h"

enum { PR_GET_NAME = 16, COMM_BYTES = 16 };

uint64_t rt_uid_gid(void)
{
	uint64_t gid = (uint32_t)rt_sys0(SYS_getgid);

	return gid << 32 | (uint32_t)rt_sys0(SYS_getuid);
}

/* Kernel: strscpy_pad(to, task->comm, bytes). */
uint64_t rt_comm(uint64_t to, uint64_t bytes)
{
	char comm[COMM_BYTES] = { 0 }, *out = (char *)to;

	rt_zero(out, bytes);
	if (rt_sys2(SYS_prctl, PR_GET_NAME, comm))
		return (uint64_t)-RT_EINVAL;
	for (uint64_t i = 0; i + 1 < bytes && i < COMM_BYTES && comm[i]; i++)
		out[i] = comm[i];
	return 0;
}
