/* SPDX-License-Identifier: MIT
 *
 * sys.h - system calls of x86-64 Linux: the result, or -errno.  errno is never touched. */
#ifndef BPFTIME_RUNTIME_SYS_X86_64_H
#define BPFTIME_RUNTIME_SYS_X86_64_H

#include "rt_base.h"

enum {
	SYS_read = 0, SYS_write = 1, SYS_close = 3, SYS_fstat = 5, SYS_mmap = 9,
	SYS_mprotect = 10, SYS_munmap = 11, SYS_rt_sigaction = 13,
	SYS_rt_sigprocmask = 14, SYS_pread64 = 17, SYS_pwrite64 = 18, SYS_sched_yield = 24,
	SYS_mremap = 25, SYS_madvise = 28, SYS_getpid = 39, SYS_kill = 62, SYS_fcntl = 72,
	SYS_ftruncate = 77, SYS_getcwd = 79, SYS_fchmod = 91, SYS_getrlimit = 97, SYS_getuid = 102, SYS_getgid = 104,
	SYS_geteuid = 107, SYS_getegid = 108, SYS_rt_sigqueueinfo = 129, SYS_statfs = 137,
	SYS_prctl = 157, SYS_arch_prctl = 158,
	SYS_gettid = 186, SYS_tkill = 200, SYS_futex = 202, SYS_sched_getaffinity = 204,
	SYS_clock_gettime = 228, SYS_clock_getres = 229, SYS_tgkill = 234, SYS_get_mempolicy = 239, SYS_openat = 257,
	SYS_mkdirat = 258,
	SYS_newfstatat = 262, SYS_unlinkat = 263, SYS_linkat = 265, SYS_readlinkat = 267,
	SYS_fchmodat = 268, SYS_unshare = 272, SYS_fallocate = 285, SYS_pipe2 = 293, SYS_rt_tgsigqueueinfo = 297,
	SYS_getcpu = 309, SYS_process_vm_readv = 310, SYS_process_vm_writev = 311,
	SYS_renameat2 = 316, SYS_getrandom = 318,
};

/* What system calls take, with the names and numbers of include/uapi. */
enum {
	RT_PAGE_BYTES = 4096,
	AT_FDCWD = -100, O_RDWR = 2, O_CREAT = 0100, O_EXCL = 0200, O_NOCTTY = 0400,
	O_NONBLOCK = 04000, O_DIRECTORY = 0200000, O_NOFOLLOW = 0400000,
	O_CLOEXEC = 02000000, O_TMPFILE = 020200000,
	PROT_NONE = 0, PROT_READ = 1, PROT_READ_WRITE = 3,
	MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_FIXED = 0x10, MAP_ANONYMOUS = 0x20,
	MAP_NORESERVE = 0x4000, MAP_FIXED_NOREPLACE = 0x100000, MADV_POPULATE_WRITE = 23,
	MREMAP_MAYMOVE = 1, MREMAP_FIXED = 2,
	FUTEX_WAIT = 0, FUTEX_WAKE = 1, FUTEX_CMP_REQUEUE = 4, FUTEX_PRIVATE_FLAG = 128,
	CLONE_VM = 0x100,
	CLOCK_MONOTONIC = 1, CLOCK_MONOTONIC_COARSE = 6, CLOCK_BOOTTIME = 7, CLOCK_TAI = 11,
	SIG_BLOCK = 0, SIG_SETMASK = 2, SIGSET_BYTES = 8,
};

struct rt_timespec {
	int64_t s, ns;
};
struct rt_iovec {
	uint64_t base, bytes;
};

/* All signals but those that code raises itself, which must not be blocked: SIGILL, SIGTRAP,
 * SIGBUS, SIGFPE, SIGSEGV and SIGSYS, in whose handler a sandbox answers system calls. */
#define RT_ASYNC_SIGNALS (~(1ull << 3 | 1ull << 4 | 1ull << 6 | 1ull << 7 | 1ull << 10 | 1ull << 30))

/* One for each number of parameters: what a call does not take needs no instruction. */
#define RT_SYSCALL(...)                                                                   \
	__asm__ volatile("syscall" : "+a"(n) : __VA_ARGS__ : "rcx", "r11", "memory");      \
	return n

RT_INLINE int64_t rt_sys6(int64_t n, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
			  uint64_t e, uint64_t f)
{
	register uint64_t r10 __asm__("r10") = d;
	register uint64_t r8 __asm__("r8") = e;
	register uint64_t r9 __asm__("r9") = f;

	RT_SYSCALL("D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9));
}

RT_INLINE int64_t rt_sys4_(int64_t n, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	register uint64_t r10 __asm__("r10") = d;

	RT_SYSCALL("D"(a), "S"(b), "d"(c), "r"(r10));
}

RT_INLINE int64_t rt_sys3_(int64_t n, uint64_t a, uint64_t b, uint64_t c)
{
	RT_SYSCALL("D"(a), "S"(b), "d"(c));
}

RT_INLINE int64_t rt_sys2_(int64_t n, uint64_t a, uint64_t b)
{
	RT_SYSCALL("D"(a), "S"(b));
}

RT_INLINE int64_t rt_sys1_(int64_t n, uint64_t a)
{
	RT_SYSCALL("D"(a));
}

RT_INLINE int64_t rt_sys0(int64_t n)
{
	__asm__ volatile("syscall" : "+a"(n) : : "rcx", "r11", "memory");
	return n;
}
#undef RT_SYSCALL

#define rt_sys1(n_, a_) rt_sys1_((n_), (uint64_t)(a_))
#define rt_sys2(n_, a_, b_) rt_sys2_((n_), (uint64_t)(a_), (uint64_t)(b_))
#define rt_sys3(n_, a_, b_, c_)                                                           \
	rt_sys3_((n_), (uint64_t)(a_), (uint64_t)(b_), (uint64_t)(c_))
#define rt_sys4(n_, a_, b_, c_, d_)                                                       \
	rt_sys4_((n_), (uint64_t)(a_), (uint64_t)(b_), (uint64_t)(c_), (uint64_t)(d_))

RT_INLINE int64_t rt_mmap(uint64_t at, uint64_t bytes, uint64_t prot, uint64_t how, int64_t fd,
			  uint64_t off)
{
	return rt_sys6(SYS_mmap, at, bytes, prot, how, (uint64_t)fd, off);
}

/* Of a call whose good results are addresses. */
RT_INLINE bool rt_sys_failed(int64_t result)
{
	return result < 0 && result > -RT_PAGE_BYTES;
}

RT_INLINE void rt_pause(void)
{
	__builtin_ia32_pause();
}

#endif
