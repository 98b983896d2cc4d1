/* SPDX-License-Identifier: MIT
 *
 * timer_thread.c - the one thread that a payload makes, and only for timers.
 *
 * It is none of the libc's: nothing here needs one.  Its thread control block is a page of zeros but
 * for what tells who runs.  All signals that are not raised by code itself are blocked in it, so
 * none that is meant for the program ends up there. */
#include "timers.h"

#include "arch/x86_64/sys.h"
#include "mem.h"
#include "proc.h"

enum {
	CLONE_FLAGS = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000 | 0x80000 | 0x100000 | 0x200000,
		/* VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, PARENT_SETTID, CHILD_CLEARTID */
	PR_SET_NAME = 15, PR_GET_SECCOMP = 21, AT_SECURE = 23,
	SYS_getresuid = 118, SYS_getresgid = 120,
	IDLE_NS = 1000000000, GONE_TRIES = 20, GONE_NS = 1000000,
};

#pragma GCC visibility push(hidden)
int64_t rt_clone(uint64_t flags, void *stack, uint32_t *parent_tid, uint32_t *child_tid, void *tls,
		 void (*fn)(void *), void *arg);
_Noreturn void rt_exit_thread(uint64_t *lock);
#pragma GCC visibility pop

static void futex_wait(uint32_t *word, uint32_t is, uint64_t ns)
{
	struct rt_timespec ts = { (int64_t)(ns / 1000000000), (int64_t)(ns % 1000000000) };

	rt_sys6(SYS_futex, (uint64_t)word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, is, (uint64_t)&ts, 0, 0);
}

void rt_timers_wake(struct rt_timers *t)
{
	rt_add(&t->wake, 1);
	rt_sys6(SYS_futex, (uint64_t)&t->wake, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0, 0, 0);
}

/* What is due, or how long to sleep.  True: *a is a timer to be fired. */
static bool next(struct rt_timers *t, struct rt_armed *a, uint64_t *ns)
{
	uint64_t now = rt_ktime_get_ns();

	*ns = IDLE_NS;
	rt_store(&t->until, now + IDLE_NS);
	if (!t->n)
		return false;
	if (t->slot[t->heap[0]].at > now) {
		if (t->slot[t->heap[0]].at - now < IDLE_NS) {
			*ns = t->slot[t->heap[0]].at - now;
			rt_store(&t->until, t->slot[t->heap[0]].at);
		}
		return false;
	}
	*a = t->slot[t->heap[0]];
	rt_timers_remove(t, &t->slot[t->heap[0]]);
	rt_store_release(&t->running, (uint64_t)a->timer);
	return true;
}

static void run(void *arg)
{
	struct rt_timers *t = arg;
	struct rt_armed a;
	bool idle = false;

	rt_sys2(SYS_prctl, PR_SET_NAME, "bpf_timer");
	for (;;) {
		uint32_t wake = rt_load_acquire(&t->wake);
		uint64_t ns;

		if (rt_lock_part(&t->lock, rt_me()))
			continue;
		if (rt_load(&t->stop) || (idle && !t->n)) {
			t->alive = 0;
			rt_exit_thread(&t->lock);
		}
		if (next(t, &a, &ns)) {
			rt_unlock(&t->lock);
			rt_timer_fire(&a);
			rt_store_release(&t->running, 0);
			idle = false;
			continue;
		}
		rt_unlock(&t->lock);
		idle = !t->n;
		futex_wait(&t->wake, wake, ns);
		idle = idle && wake == rt_load(&t->wake);
	}
}

/* The number behind "<name>:" in /proc/self/status, or -1. */
static int64_t status(const char *text, const char *name)
{
	for (; *text; text++) {
		uint32_t n = 0;

		while (name[n] && text[n] == name[n])
			n++;
		if (!name[n] && text[n] == ':')
			return text[n + 2] - '0';
		while (*text && *text != '\n')
			text++;
		if (!*text)
			break;
	}
	return -1;
}

/* Would a thread be a surprise?  Of a program that got its rights from its file: it would keep
 * them when the program gives them up.  Where a filter decides on system calls, and no thread was
 * ever made: it might end the program. */
static bool allowed(void)
{
	uint64_t aux[RT_AUXV_WORDS], n = rt_auxv(aux);
	uint32_t uid[3] = { 0, 1, 2 }, gid[3] = { 0, 1, 2 };
	char text[2048];
	int64_t bytes;

	for (uint64_t i = 0; i + 2 <= n; i += 2)
		if (aux[i] == AT_SECURE && aux[i + 1])
			return false;
	rt_sys3(SYS_getresuid, &uid[0], &uid[1], &uid[2]);
	rt_sys3(SYS_getresgid, &gid[0], &gid[1], &gid[2]);
	if (uid[0] != uid[1] || uid[1] != uid[2] || gid[0] != gid[1] || gid[1] != gid[2])
		return false;
	if (rt_sys1(SYS_prctl, PR_GET_SECCOMP) != 2)
		return true;
	bytes = rt_read_file("/proc/self/status", text, sizeof(text) - 1);
	text[bytes > 0 ? bytes : 0] = 0;
	return status(text, "Threads") > 1;
}

/* Its stack is free once the kernel says so. */
static bool is_gone(struct rt_timers *t)
{
	for (int i = 0; i < GONE_TRIES; i++) {
		uint32_t tid = rt_load_acquire(&t->tid);

		if (!tid)
			return true;
		futex_wait(&t->tid, tid, GONE_NS);	/* not private: the kernel's wake */
	}
	return !rt_load_acquire(&t->tid);
}

static void make_tcb(struct rt_timers *t)
{
	uint64_t *self = (uint64_t *)t->tcb;

	self[0] = (uint64_t)t->tcb;
	self[2] = (uint64_t)t->tcb;	/* as in the TCB of x86-64 libcs */
}

/* The thread ends when it has rights that the process has given up. */
static int end_other(struct rt_timers *t, uint64_t me)
{
	rt_store(&t->stop, 1);
	rt_unlock(&t->lock);
	rt_timers_wake(t);
	is_gone(t);
	if (rt_lock(&t->lock, me))
		return -RT_EBUSY;
	return t->alive ? -RT_EBUSY : 0;
}

int rt_timers_thread(struct rt_timers *t, uint64_t me)
{
	uint32_t uid = (uint32_t)rt_sys0(SYS_geteuid), gid = (uint32_t)rt_sys0(SYS_getegid);
	uint64_t async = RT_ASYNC_SIGNALS, old;
	int64_t r;

	if (t->tgid != (uint32_t)rt_sys0(SYS_getpid))	/* a child of vfork(): its threads are its own */
		return -RT_EOPNOTSUPP;
	if (t->alive && t->uid == uid && t->gid == gid)
		return 0;
	if (t->alive && end_other(t, me))
		return -RT_EBUSY;
	if (!allowed())
		return -RT_EPERM;
	if (!is_gone(t))
		return -RT_EBUSY;
	make_tcb(t);
	t->uid = uid;
	t->gid = gid;
	rt_store(&t->stop, 0);
	t->alive = 1;
	rt_sys4(SYS_rt_sigprocmask, SIG_BLOCK, &async, &old, SIGSET_BYTES);
	r = rt_clone(CLONE_FLAGS, t->stack + sizeof(t->stack), &t->tid, &t->tid, t->tcb, run, t);
	rt_sys4(SYS_rt_sigprocmask, SIG_SETMASK, &old, 0, SIGSET_BYTES);
	if (r >= 0)
		return 0;
	t->alive = 0;
	return (int)r;
}
