/* SPDX-License-Identifier: MIT
 *
 * seccomp.c - reads the filters (PTRACE_SECCOMP_GET_FILTER: root) and runs them on the calls to
 * come.  Classic BPF, as seccomp_check_filter() of the kernel permits it. */
#include "seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

enum { GET_DISPATCH = 0x4211, MOST_FILTERS = 256, MOST_STEPS = BPF_MAXINSNS + 1 };

struct call {
	int      nr;
	const char *name;
	bool     ours;		/* made by attaching: has to succeed */
	uint64_t arg[6];
};

/* The runtime's calls may be answered with an error, but must not be the end. */
static const struct call calls[] = {
	{ SYS_mmap, "mmap", true, { 0, 0x10000, PROT_READ | PROT_EXEC,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, (uint64_t)-1, 0 } },
	{ SYS_mprotect, "mprotect", true, { 0, 0x10000, PROT_READ | PROT_WRITE } },
	{ SYS_munmap, "munmap", true, { 0, 0x10000 } },
	{ SYS_mmap, "mmap", false, { 0, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, 5, 0 } },
	{ SYS_openat, "openat", false, { (uint64_t)-100 } },
	{ SYS_mkdirat, "mkdirat", false, { (uint64_t)-100 } },
	{ SYS_fchmodat, "fchmodat", false, { 0 } },
	{ SYS_fstat, "fstat", false, { 5 } },
	{ SYS_fcntl, "fcntl", false, { 5 } },
	{ SYS_close, "close", false, { 5 } },
	{ SYS_fallocate, "fallocate", false, { 5 } },
	{ SYS_ftruncate, "ftruncate", false, { 5 } },
	{ SYS_linkat, "linkat", false, { 5 } },
	{ SYS_renameat2, "renameat2", false, { 5 } },
	{ SYS_unlinkat, "unlinkat", false, { 5 } },
	{ SYS_pwrite64, "pwrite64", false, { 5 } },
	{ SYS_getrlimit, "getrlimit", false, { 0 } },
	{ SYS_prctl, "prctl", false, { 0x41555856 } },
	{ SYS_madvise, "madvise", false, { 0 } },
	{ SYS_mremap, "mremap", false, { 0 } },
	{ SYS_rt_sigprocmask, "rt_sigprocmask", false, { 0 } },
	{ SYS_sched_yield, "sched_yield", false, { 0 } },
	{ SYS_gettid, "gettid", false, { 0 } },
	{ SYS_getpid, "getpid", false, { 0 } },
	{ SYS_getuid, "getuid", false, { 0 } },
	{ SYS_geteuid, "geteuid", false, { 0 } },
	{ SYS_getgid, "getgid", false, { 0 } },
	{ SYS_getegid, "getegid", false, { 0 } },
	{ SYS_arch_prctl, "arch_prctl", false, { 0x1003 } },
	{ SYS_read, "read", false, { 5 } },
	{ SYS_futex, "futex", false, { 0 } },
	{ SYS_process_vm_readv, "process_vm_readv", false, { 0 } },
	{ SYS_tgkill, "tgkill", false, { 0 } },
};

/* One instruction's arithmetic; false: none that filters have. */
static bool alu(uint16_t code, uint32_t *a, uint32_t v)
{
	switch (BPF_OP(code)) {
	case BPF_ADD: *a += v; return true;
	case BPF_SUB: *a -= v; return true;
	case BPF_MUL: *a *= v; return true;
	case BPF_DIV: *a = v ? *a / v : 0; return true;
	case BPF_AND: *a &= v; return true;
	case BPF_OR: *a |= v; return true;
	case BPF_XOR: *a ^= v; return true;
	case BPF_LSH: *a = v < 32 ? *a << v : 0; return true;
	case BPF_RSH: *a = v < 32 ? *a >> v : 0; return true;
	case BPF_NEG: *a = 0 - *a; return true;
	default: return false;
	}
}

static bool holds(uint16_t code, uint32_t a, uint32_t v)
{
	switch (BPF_OP(code)) {
	case BPF_JEQ: return a == v;
	case BPF_JGT: return a > v;
	case BPF_JGE: return a >= v;
	case BPF_JSET: return a & v;
	default: return true;
	}
}

/* What the filter returns; KILL_PROCESS for one that this does not understand. */
static uint32_t run(const struct sock_filter *f, size_t n, const struct seccomp_data *d)
{
	uint32_t a = 0, x = 0, mem[BPF_MEMWORDS] = { 0 };

	for (size_t pc = 0; pc < n; pc++) {	/* jumps lead forward only */
		struct sock_filter i = f[pc];
		uint32_t v = BPF_SRC(i.code) == BPF_X ? x : i.k;
		bool ok = true;

		switch (BPF_CLASS(i.code)) {
		case BPF_LD:
		case BPF_LDX: {
			uint32_t *to = BPF_CLASS(i.code) == BPF_LD ? &a : &x;

			if (BPF_MODE(i.code) == BPF_ABS && i.k % 4 == 0 && i.k <= sizeof(*d) - 4)
				memcpy(to, (const char *)d + i.k, 4);
			else if (BPF_MODE(i.code) == BPF_IMM)
				*to = i.k;
			else if (BPF_MODE(i.code) == BPF_MEM && i.k < BPF_MEMWORDS)
				*to = mem[i.k];
			else if (BPF_MODE(i.code) == BPF_LEN)
				*to = sizeof(*d);
			else
				ok = false;
			break;
		}
		case BPF_ST: case BPF_STX:
			ok = i.k < BPF_MEMWORDS;
			if (ok)
				mem[i.k] = BPF_CLASS(i.code) == BPF_ST ? a : x;
			break;
		case BPF_ALU: ok = alu(i.code, &a, v); break;
		case BPF_JMP:
			pc += BPF_OP(i.code) == BPF_JA ? i.k : holds(i.code, a, v) ? i.jt : i.jf;
			break;
		case BPF_RET: return BPF_RVAL(i.code) == BPF_A ? a : i.k;
		default:	/* BPF_MISC */
			if (BPF_MISCOP(i.code) == BPF_TAX)
				x = a;
			else
				a = x;
			break;
		}
		if (!ok)
			break;
	}
	return SECCOMP_RET_KILL_PROCESS;
}

/* Would this answer do? */
static bool acceptable(const struct call *c, uint32_t answer)
{
	switch (answer & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW: case SECCOMP_RET_LOG: return true;
	case SECCOMP_RET_ERRNO: return !c->ours;
	default: return false;
	}
}

static const char *refused_by(const struct sock_filter *f, size_t n, uint64_t ip)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		struct seccomp_data d = { .nr = calls[i].nr, .arch = AUDIT_ARCH_X86_64,
					  .instruction_pointer = ip };

		memcpy(d.args, calls[i].arg, sizeof(d.args));
		if (!acceptable(&calls[i], run(f, n, &d)))
			return calls[i].name;
	}
	return NULL;
}

/* struct ptrace_sud_config of newer headers; an older kernel (before 6.4) does not say. */
static bool dispatches(const struct stopped_thread *t)
{
	struct { uint64_t mode, selector, offset, len; } c = { 0 };

	return !ptrace((enum __ptrace_request)GET_DISPATCH, t->tid, (void *)sizeof(c), &c) && c.mode;
}

int seccomp_check(struct stopped *s, const struct stopped_thread *t, uint64_t ip, struct diags *dg)
{
	static struct sock_filter f[BPF_MAXINSNS];
	long mode = proc_status(t->tid, "Seccomp");

	if (dispatches(t))
		return diag(dg, DIAG_P304, at_file(s->p->name), "it handles its own system calls "
			    "(PR_SET_SYSCALL_USER_DISPATCH)");
	if (mode <= 0)
		return 0;
	if (mode == SECCOMP_MODE_STRICT)
		return diag(dg, DIAG_P304, at_file(s->p->name), "its strict seccomp mode ends it for that");
	for (long i = 0; i < MOST_FILTERS; i++) {
		long n = ptrace(PTRACE_SECCOMP_GET_FILTER, t->tid, (void *)i, NULL);
		const char *call;

		if (n < 0 && errno == ENOENT)
			return 0;
		if (n > BPF_MAXINSNS || n < 0 ||
		    ptrace(PTRACE_SECCOMP_GET_FILTER, t->tid, (void *)i, f) != n)
			return diag(dg, DIAG_P304, at_file(s->p->name),
				    "it has seccomp filters, and what they allow cannot be read: %s",
				    errno == EACCES || errno == EPERM ? "root may" : strerror(errno));
		call = refused_by(f, (size_t)n, ip);
		if (call)
			return diag(dg, DIAG_P304, at_file(s->p->name), "a seccomp filter does not allow %s", call);
	}
	return 0;
}
