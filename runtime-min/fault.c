/* SPDX-License-Identifier: MIT
 *
 * fault.c - SIGSEGV and SIGBUS: ours when they come from guarded code, else the
 * application's, as if we were not there. */
#include "fault.h"

#include "arch/x86_64/sys.h"

enum {
	SIGBUS_ = 7, SIGSEGV_ = 11,
	SA_SIGINFO_ = 4, SA_RESTORER_ = 0x04000000, SA_ONSTACK_ = 0x08000000,
	SA_NODEFER_ = 0x40000000, SA_RESETHAND_ = (int)0x80000000, SIG_DFL_ = 0, SIG_IGN_ = 1,
	UC_RIP = 40 + 16 * 8, UC_SIGMASK = 296,	/* in struct ucontext */
	SI_CODE = 2,	/* of a siginfo's 32-bit words */
};

struct kernel_sigaction {
	uint64_t handler, flags, restorer, mask;
};

static struct kernel_sigaction old_action[2];	/* SIGBUS, SIGSEGV */
uint32_t bpftime_rt1_guarded;

static void call_handler(struct kernel_sigaction *old, int sig, int32_t *info, char *uc)
{
	void (*handler)(int, void *, void *) = (void (*)(int, void *, void *))old->handler;
	uint64_t mask = old->mask | *(uint64_t *)(uc + UC_SIGMASK), was;

	if (!(old->flags & SA_NODEFER_))
		mask |= 1ull << (sig - 1);
	rt_sys4(SYS_rt_sigprocmask, SIG_SETMASK, &mask, &was, SIGSET_BYTES);
	if (old->flags & SA_RESETHAND_)
		old->handler = SIG_DFL_;
	handler(sig, info, uc);	/* sigreturn restores the mask of the context */
}

/* What the kernel would have done had our handler not been there.  A fault that is ignored
 * or has the default action ends the program: the instruction faults again.  A signal that
 * somebody sent is dropped, or sent again. */
static void pass_on(int sig, int32_t *info, char *uc)
{
	struct kernel_sigaction *old = &old_action[sig == SIGSEGV_];
	bool sent = info[SI_CODE] <= 0;

	if (old->handler > SIG_IGN_) {
		call_handler(old, sig, info, uc);
		return;
	}
	if (sent && old->handler == SIG_IGN_)
		return;
	rt_sys4(SYS_rt_sigaction, sig, old, 0, SIGSET_BYTES);
	if (sent)
		rt_sys3(SYS_tgkill, rt_sys0(SYS_getpid), rt_sys0(SYS_gettid), sig);
}

static uint64_t at(const int32_t *rel)
{
	return (uint64_t)rel + (uint64_t)(int64_t)*rel;
}

/* Where guarded code goes on after a fault at ip; 0: it is not guarded. */
static uint64_t fixup_of(uint64_t ip)
{
	for (const struct rt_guarded *g = __start_bpftime_guarded; g < __stop_bpftime_guarded; g++)
		if (ip >= at(&g->begin_rel) && ip < at(&g->end_rel))
			return at(&g->fixup_rel);
	return 0;
}

static void on_fault(int sig, int32_t *info, char *uc)
{
	uint64_t *ip = (uint64_t *)(uc + UC_RIP), fixup = fixup_of(*ip);

	if (fixup)
		*ip = fixup;
	else
		pass_on(sig, info, uc);
}

static bool install(int sig)
{
	struct kernel_sigaction now = {
		(uint64_t)on_fault, SA_SIGINFO_ | SA_ONSTACK_ | SA_NODEFER_ | SA_RESTORER_,
		(uint64_t)rt_sigreturn, 0,
	};

	return !rt_sys4(SYS_rt_sigaction, sig, &now, &old_action[sig == SIGSEGV_], SIGSET_BYTES);
}

void rt_fault_setup(uint64_t blocked)
{
	if (rt_load(&bpftime_rt1_guarded) || blocked & (1ull << (SIGSEGV_ - 1) | 1ull << (SIGBUS_ - 1)))
		return;
	if (install(SIGSEGV_) && install(SIGBUS_))
		rt_store_release(&bpftime_rt1_guarded, 1);
}
