/* SPDX-License-Identifier: MIT
 *
 * rt_errno.h - errno values as the kernel numbers them; results are negative. */
#ifndef BPFTIME_RUNTIME_RT_ERRNO_H
#define BPFTIME_RUNTIME_RT_ERRNO_H

enum {
	RT_EPERM = 1, RT_ENOENT = 2, RT_ESRCH = 3, RT_EINTR = 4, RT_EIO = 5, RT_E2BIG = 7,
	RT_EBADF = 9,
	RT_EAGAIN = 11, RT_ENOMEM = 12, RT_EACCES = 13, RT_EFAULT = 14, RT_EBUSY = 16,
	RT_EEXIST = 17, RT_ENOTDIR = 20, RT_EISDIR = 21, RT_EINVAL = 22, RT_ENFILE = 23, RT_EMFILE = 24, RT_ENOSPC = 28,
	RT_ERANGE = 34, RT_EDEADLK = 35, RT_ENOSYS = 38, RT_ELOOP = 40, RT_EOPNOTSUPP = 95, RT_ETIMEDOUT = 110,
	RT_ENOTSUPP = 524,
};

#endif
