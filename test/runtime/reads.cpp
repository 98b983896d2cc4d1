// SPDX-License-Identifier: MIT
// Reading memory that may not be there: what is copied, what the kernel's helper would
// answer, and that the process lives, with and without our signal handlers.
#include <gtest/gtest.h>

#include <atomic>
#include <csetjmp>
#include <csignal>
#include <cstddef>
#include <dlfcn.h>
#include <functional>
#include <link.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/single_threaded.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <ucontext.h>
#include <unistd.h>

#include "fault.h"
#include "loader.h"
#include "read.h"

static const size_t PAGE = 4096;

// Two pages of which the second cannot be read.
struct Edge {
	char *p = (char *)mmap(nullptr, 2 * PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	Edge()
	{
		for (size_t i = 0; i < PAGE; i++)
			p[i] = (char)(1 + i % 251);
		mprotect(p + PAGE, PAGE, PROT_NONE);
	}
	~Edge() { munmap(p, 2 * PAGE); }
};

// Five pages, each of which can be read or not, and reads from all around the first edges up to all of them.
static int check_pages()
{
	enum { PAGES = 5 };
	static char *p = (char *)mmap(nullptr, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	std::string to(PAGES * PAGE + 1, 0);
	int bad = 0;
	for (size_t i = 0; i < PAGES * PAGE; i++)
		p[i] = (char)(1 + i % 251);
	for (unsigned there = 0; there < 1 << PAGES; there++) {
		for (size_t i = 0; i < PAGES; i++)
			mprotect(p + i * PAGE, PAGE, there >> i & 1 ? PROT_READ | PROT_WRITE : PROT_NONE);
		for (size_t from : { size_t(0), PAGE - 193, PAGE - 9, PAGE - 4, PAGE - 3, PAGE - 1, PAGE, PAGE + 5 })
			for (size_t n : { size_t(1), size_t(5), size_t(12), size_t(190), size_t(200), PAGE - 3, PAGE + 11,
					  2 * PAGE, 3 * PAGE + 1, 4 * PAGE - 5 }) {
				size_t want = 0;
				while (want < n && there >> ((from + want) / PAGE) & 1)
					want++;
				std::fill(to.begin(), to.end(), 0x55);
				bad += rt_read_some(&to[0], (uint64_t)p + from, n) != want ||
				       memcmp(to.data(), p + from, want) || to[want] != 0x55;
			}
	}
	mprotect(p, PAGES * PAGE, PROT_READ | PROT_WRITE);
	return bad;
}

static int check_reads()
{
	Edge e;
	int bad = 0;
	for (size_t back = 0; back <= 40; back++)
		for (size_t n = 0; n <= 64; n++) {
			char to[80];
			memset(to, 0x55, sizeof(to));
			uint64_t from = (uint64_t)e.p + PAGE - back;
			bool all = n <= back;
			size_t some = rt_read_some(to, from, n), want = all ? n : back;
			bad += some != want || memcmp(to, (void *)from, want) || to[want] != 0x55;
			memset(to, 0x55, sizeof(to));
			int64_t r = (int64_t)rt_read_user((uint64_t)to, n, from);
			bad += r != (all ? 0 : -EFAULT) || to[n] != 0x55;
			for (size_t i = 0; i < n; i++)
				bad += to[i] != (all ? ((char *)from)[i] : 0);
		}
	// null, kernel space, not canonical
	for (uint64_t from : { 0ull, 8ull, 0xffffffff81000000ull, 0x8000000000000000ull, ~7ull }) {
		char to[16] = "abc";
		bad += (int64_t)rt_read_user((uint64_t)to, 16, from) != -EFAULT || to[0];
	}
	return bad + check_pages();
}

static int check_strings()
{
	Edge e;
	int bad = 0;
	for (size_t back = 1; back <= 600; back += 7)
		for (size_t nul = 0; nul <= back; nul += 5)
			for (size_t cap : { 1, 2, 7, 8, 64, 255, 256, 257, 512 }) {
				std::string to(600, 0x55);
				char *from = e.p + PAGE - back, kept = 0;
				if (nul < back) {
					kept = from[nul];
					from[nul] = 0;
				}
				int64_t r = (int64_t)rt_read_user_str((uint64_t)to.data(), cap, (uint64_t)from);
				if (nul < back && nul < cap) {
					bad += r != (int64_t)nul + 1 || memcmp(to.data(), from, nul + 1);
					bad += to[nul + 1] != 0x55;	// nothing behind the NUL
				} else if (cap <= back) {
					bad += r != (int64_t)cap || memcmp(to.data(), from, cap - 1) || to[cap - 1];
				} else {
					bad += r != -EFAULT || to.find_first_not_of('\0') != cap;
				}
				if (nul < back)
					from[nul] = kept;
			}
	char one = 'x';
	bad += rt_read_user_str((uint64_t)&one, 0, (uint64_t)e.p) != 0 || one != 'x';
	return bad;
}

// Runs fn in a child; its result, or -signal.
static int in_child(const std::function<int()> &fn)
{
	int status;
	pid_t pid = fork();
	if (!pid)
		_exit(std::min(fn(), 100));
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(Reads, Strict)
{
	EXPECT_EQ(check_reads(), 0);
	EXPECT_EQ(check_strings(), 0);
}

// From now on `nr` is answered with that, and other system calls with `others`.
static bool filter(uint32_t nr, uint32_t answer, uint32_t others = SECCOMP_RET_ALLOW)
{
	sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, answer),
		BPF_STMT(BPF_RET | BPF_K, others),
	};
	sock_fprog prog = { sizeof(f) / sizeof(f[0]), f };
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

// What filters answer is up to them; 0 is what the kernel does not answer.  (A thread that is alone would ask for nothing.)
TEST(Reads, StrictWhereProcessVmReadvIsForbidden)
{
	for (uint32_t error : { 0, EPERM, ENOSYS, EACCES, EINVAL })
		EXPECT_EQ(in_child([=]() -> int {
			if (!filter(SYS_unshare, SECCOMP_RET_ERRNO | EPERM) ||
			    !filter(SYS_process_vm_readv, SECCOMP_RET_ERRNO | error))
				return 99;
			int before = dup(0), bad = check_reads() + check_strings();
			return bad + (dup(0) != before + 1);	// no descriptor is left
		}), 0) << error;
}

TEST(Reads, WritesWhereProcessVmWritevIsForbidden)
{
	for (uint32_t error : { 0, EPERM, ENOSYS, EACCES, EINVAL })
		EXPECT_EQ(in_child([=]() -> int {
			Edge e;
			if (!filter(SYS_process_vm_writev, SECCOMP_RET_ERRNO | error))
				return 99;
			return rt_write_user((uint64_t)e.p, 4, (uint64_t)"new") || strcmp(e.p, "new") ||
			       (int64_t)rt_write_user((uint64_t)e.p + PAGE, 4, (uint64_t)"new") != -EFAULT;
		}), 0) << error;
}

// What shares a page with the destination is there: no system call is needed.  All but exit
// end the child.
TEST(Reads, StrictOnAPageInUse)
{
	alignas(PAGE) static char page[2 * PAGE];
	memset(page, 'x', sizeof(page));
	auto read_at = [](size_t off, size_t bytes) {
		return in_child([=]() -> int {
			if (!filter(SYS_exit_group, SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_PROCESS))
				return 99;
			return rt_read_user((uint64_t)page, bytes, (uint64_t)page + off) || page[0] != 'x';
		});
	};
	EXPECT_EQ(read_at(64, 8), 0);
	EXPECT_EQ(read_at(PAGE - 13, 13), 0);
	EXPECT_EQ(read_at(PAGE - 13, 14), -SIGSYS);
	EXPECT_EQ(read_at(PAGE, 1), -SIGSYS);
}

// Whatever was found out before is asked again after so many reads.
static void read_often()
{
	static char far[4 * PAGE];	/* on no page with anything else */
	char to;
	for (int i = 0; i < 5000; i++)
		rt_read_user((uint64_t)&to, 1, (uint64_t)far + 2 * PAGE);
}

// A thread that is alone with its memory copies for itself; as soon as there is another, the kernel does.
TEST(Reads, StrictCopiesForItselfWhereItIsAlone)
{
	static Edge e;
	auto copied_by_kernel = [](bool thread, uint32_t unshare) {
		return in_child([=]() -> int {
			int go[2];
			if (pipe(go))
				return 97;
			read_often();
			std::thread other;
			if (thread)
				other = std::thread([&] { char c; while (read(go[0], &c, 1) != 1); });
			if ((unshare && !filter(SYS_unshare, unshare)) ||
			    !filter(SYS_process_vm_readv, SECCOMP_RET_KILL_PROCESS))
				return 99;
			int bad = check_reads() + check_strings();
			if (thread && write(go[1], "", 1) == 1)
				other.join();
			return bad;
		});
	};
	EXPECT_EQ(copied_by_kernel(false, 0), 0);
	EXPECT_EQ(copied_by_kernel(true, 0), -SIGSYS);
	EXPECT_EQ(copied_by_kernel(false, SECCOMP_RET_ERRNO | EPERM), -SIGSYS);
}

// As a program does that drops the first bytes of its buffer.
TEST(Reads, CopiesOntoWhatLiesBefore)
{
	for (size_t n = 0; n < 400; n++)
		for (size_t by = 1; by < 20; by++) {
			std::string have(500, 0), want;
			for (size_t i = 0; i < have.size(); i++)
				have[i] = (char)(i % 251);
			want = have;
			memmove(&want[8], &want[8 + by], n);
			ASSERT_EQ(rt_copy_faultable(&have[8], (uint64_t)&have[8 + by], n), 0u);
			ASSERT_EQ(have, want) << n << " bytes by " << by;
		}
}

TEST(Reads, WhereTheLibcSaysThatThereIsOneThread)
{
	rt_libc libc = rt_libc_find();
	EXPECT_EQ(libc.single, (const uint8_t *)&__libc_single_threaded);
	const ElfW(Dyn) *d = _DYNAMIC;
	while (d->d_tag != DT_DEBUG && d->d_tag)
		d++;
	EXPECT_EQ(libc.version, (const uint32_t *)&((const r_debug *)d->d_un.d_ptr)->r_version);
	EXPECT_EQ(*libc.version, 1u);
}

static volatile int asked;
static void imitate_unshare(int, siginfo_t *, void *context)
{
	greg_t *reg = ((ucontext_t *)context)->uc_mcontext.gregs;
	asked = asked + 1;
	reg[REG_RAX] = reg[REG_RDI] == CLONE_VM ? 0 : -EINVAL;
}

// Its word does as long as there was one thread only; the kernel is asked now and then.
TEST(Reads, StrictAsksTheLibc)
{
	if (!__libc_single_threaded)
		GTEST_SKIP() << "this process has had threads";
	static Edge e;
	const int READS = 2560;
	enum { ALONE, AFTER_A_THREAD, WITH_ANOTHER_LIBC };
	auto questions = [=](int how) {
		int out[2];
		if (pipe(out) || in_child([=]() -> int {
			struct sigaction sa = {};
			char to;
			sa.sa_sigaction = imitate_unshare;
			sa.sa_flags = SA_SIGINFO;
			sigaction(SIGSYS, &sa, nullptr);
			read_often();
			if (how == AFTER_A_THREAD)
				std::thread([] {}).join();
			if (how == WITH_ANOTHER_LIBC && !dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW))
				return 97;
			if (!filter(SYS_unshare, SECCOMP_RET_TRAP))
				return 99;
			for (int i = 0; i < READS; i++)
				if (rt_read_user((uint64_t)&to, 1, (uint64_t)e.p + 8) || to != 9)
					return 98;
			int n = asked;
			return write(out[1], &n, sizeof(n)) != sizeof(n);
		}))
			return -1;
		int n = -1;
		if (read(out[0], &n, sizeof(n)) != sizeof(n))
			n = -1;
		close(out[0]);
		close(out[1]);
		return n;
	};
	EXPECT_GE(questions(ALONE), 2);
	EXPECT_LE(questions(ALONE), READS / 100);
	EXPECT_GE(questions(AFTER_A_THREAD), READS);
	EXPECT_GE(questions(WITH_ANOTHER_LIBC), READS);
}

// Of a thread that was made without it the libc knows nothing.
TEST(Reads, StrictSeesThreadsThatTheLibcDoesNot)
{
	if (!__libc_single_threaded)
		GTEST_SKIP() << "this process has had threads";
	EXPECT_EQ(in_child([]() -> int {
		alignas(16) static char stack[65536];
		read_often();
		if (clone([](void *) { return pause(); }, stack + sizeof(stack),
			  CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, nullptr) < 0 || !__libc_single_threaded)
			return 99;
		if (!filter(SYS_process_vm_readv, SECCOMP_RET_KILL_PROCESS))
			return 98;
		read_often();
		return 0;
	}), -SIGSYS);
}

// A sandbox may pretend that unshare() has done something.
TEST(Reads, StrictBelievesNoImitation)
{
	EXPECT_EQ(in_child([]() -> int {
		std::thread([] { pause(); }).detach();
		if (!filter(SYS_unshare, SECCOMP_RET_ERRNO) || !filter(SYS_process_vm_readv, SECCOMP_RET_KILL_PROCESS))
			return 99;
		read_often();
		return 0;
	}), -SIGSYS);
}

// Pages come and go under a reader that was alone a moment ago.
TEST(Reads, StrictWhilePagesGo)
{
	EXPECT_EQ(in_child([]() -> int {
		static char *p = (char *)mmap(nullptr, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		static std::atomic<bool> end;
		char to[64];
		int bad = 0;
		for (int round = 0; round < 50; round++) {
			read_often();
			end = false;
			std::thread other([] {
				while (!end) {
					mprotect(p, PAGE, PROT_NONE);
					mprotect(p, PAGE, PROT_READ);
				}
			});
			for (int i = 0; i < 2000; i++) {
				int64_t r = (int64_t)rt_read_user((uint64_t)to, sizeof(to), (uint64_t)p);
				bad += r && r != -EFAULT;
			}
			end = true;
			other.join();
		}
		return bad;
	}), 0);
}

TEST(Reads, StrictWithSignalsBlocked)
{
	EXPECT_EQ(in_child([]() -> int {
		sigset_t all;
		sigfillset(&all);
		sigprocmask(SIG_SETMASK, &all, nullptr);
		return check_reads() + check_strings();
	}), 0);
}

TEST(Reads, Fast)
{
	EXPECT_EQ(in_child([]() -> int {
		rt_fault_setup(0);
		return bpftime_rt1_guarded ? check_reads() + check_strings() : 99;
	}), 0);
}

TEST(Reads, FastBusError)
{
	EXPECT_EQ(in_child([]() -> int {
		rt_fault_setup(0);
		int fd = memfd_create("x", 0);
		if (ftruncate(fd, 10))
			return 98;
		char *p = (char *)mmap(nullptr, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0), to[8];
		return (int64_t)rt_read_user((uint64_t)to, 8, (uint64_t)p + PAGE) != -EFAULT;
	}), 0);
}

static sigjmp_buf back;
static volatile int got;
static void app_handler(int sig, siginfo_t *info, void *)
{
	sigset_t now;
	sigprocmask(SIG_BLOCK, nullptr, &now);
	got = info->si_addr == (void *)16 && sigismember(&now, sig) && sigismember(&now, SIGUSR1);
	siglongjmp(back, 1);
}

TEST(Reads, FastLeavesTheApplicationItsFaults)
{
	EXPECT_EQ(in_child([]() -> int {
		struct sigaction sa = {};
		sa.sa_sigaction = app_handler;
		sa.sa_flags = SA_SIGINFO;
		sigaddset(&sa.sa_mask, SIGUSR1);
		sigaction(SIGSEGV, &sa, nullptr);
		rt_fault_setup(0);
		int bad = check_reads();
		if (!sigsetjmp(back, 1))
			*(volatile int *)16 = 1;
		return bad + !got;
	}), 0);
	// Without a handler of its own it dies of the signal it would have died of.
	EXPECT_EQ(in_child([]() -> int {
		rt_fault_setup(0);
		int bad = check_reads();
		*(volatile int *)16 = 1;
		return bad;
	}), -SIGSEGV);
}

TEST(Reads, FastLeavesTheApplicationSentSignals)
{
	EXPECT_EQ(in_child([]() -> int {
		signal(SIGSEGV, SIG_IGN);
		rt_fault_setup(0);
		raise(SIGSEGV);
		return check_reads();
	}), 0);
	EXPECT_EQ(in_child([]() -> int {
		rt_fault_setup(0);
		raise(SIGBUS);
		return 0;
	}), -SIGBUS);
}

TEST(Reads, NoHandlerWhereTheSignalsAreBlocked)
{
	EXPECT_EQ(in_child([]() -> int {
		sigset_t set;
		uint64_t blocked = 1ull << (SIGSEGV - 1);
		sigemptyset(&set);
		sigaddset(&set, SIGSEGV);
		sigprocmask(SIG_BLOCK, &set, nullptr);
		rt_fault_setup(blocked);
		return check_reads() + bpftime_rt1_guarded;
	}), 0);
}
