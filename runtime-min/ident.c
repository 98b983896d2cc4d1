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

/* Kernel: strscpy_pad(to, task->comm, bytes).  What the kernel tells is padded, too. */
uint64_t rt_comm(uint64_t to, uint64_t bytes)
{
	uint64_t n = bytes < COMM_BYTES ? bytes : COMM_BYTES;
	char comm[COMM_BYTES] = { 0 };
	int64_t r = rt_sys2(SYS_prctl, PR_GET_NAME, comm);

	if (n)
		comm[n - 1] = 0;
	rt_copy_in((void *)to, comm, n);
	if (bytes > n)
		rt_zero((char *)to + n, bytes - n);
	return r ? (uint64_t)-RT_EINVAL : 0;
}
