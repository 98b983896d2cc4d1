/* SPDX-License-Identifier: MIT
 *
 * sys.h - system calls of x86-64 Linux: the result, or -errno.  errno is never touched. */
#ifndef BPFTIME_RUNTIME_SYS_X86_64_H
#define BPFTIME_RUNTIME_SYS_X86_64_H

#include "rt_base.h"

enum {
	SYS_write = 1, SYS_open = 2, SYS_close = 3, SYS_mmap = 9, SYS_mprotect = 10,
	SYS_munmap = 11, SYS_sched_yield = 24, SYS_madvise = 28, SYS_getpid = 39,
	SYS_getuid = 102, SYS_getgid = 104, SYS_geteuid = 107, SYS_getegid = 108,
	SYS_gettid = 186, SYS_tgkill = 234,
};

RT_INLINE int64_t rt_sys6(int64_t n, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
			  uint64_t e, uint64_t f)
{
	register uint64_t r10 __asm__("r10") = d;
	register uint64_t r8 __asm__("r8") = e;
	register uint64_t r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "+a"(n)
			 : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return n;
}

#define rt_sys0(n_) rt_sys6((n_), 0, 0, 0, 0, 0, 0)
#define rt_sys1(n_, a_) rt_sys6((n_), (uint64_t)(a_), 0, 0, 0, 0, 0)
#define rt_sys2(n_, a_, b_) rt_sys6((n_), (uint64_t)(a_), (uint64_t)(b_), 0, 0, 0, 0)
#define rt_sys3(n_, a_, b_, c_)                                                           \
	rt_sys6((n_), (uint64_t)(a_), (uint64_t)(b_), (uint64_t)(c_), 0, 0, 0)
#define rt_sys4(n_, a_, b_, c_, d_)                                                       \
	rt_sys6((n_), (uint64_t)(a_), (uint64_t)(b_), (uint64_t)(c_), (uint64_t)(d_), 0, 0)

RT_INLINE uint64_t rt_cycles(void)
{
	return __builtin_ia32_rdtsc();
}

RT_INLINE void rt_pause(void)
{
	__builtin_ia32_pause();
}

#endif
