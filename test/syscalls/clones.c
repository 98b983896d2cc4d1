// SPDX-License-Identifier: MIT
// clone() by the instruction itself: children that come out of a system call on a stack of
// their own, or on their parent's, over which they write.  Prints which calls were made.
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	CHILDREN = 4, CALLS = 500, STACK_WORDS = 2048, STATUS = 3, FUTEX_WAIT = 0,
	LIKE_VFORK = CLONE_VM | CLONE_VFORK | SIGCHLD,
	LIKE_SPAWN = CLONE_VM | SIGCHLD,	/* runs beside its parent, in its memory */
	LIKE_THREAD = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
		      CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
};

/* The number of a call is known from the code (raw_...), or it is not (any_...). */
long raw_clone(long flags, void *stack, int *ptid, int *ctid, void *tls);
long raw_clone3(void *args, long bytes);
long any_call(long nr, long a, long b, long c, long d, long e);
/* Both on one stack: the child fills with ones what is below, and ends. */
long raw_clone_here(long flags);
long raw_vfork_here(void);
long any_clone_here(long flags, void *stack, long nr);
void child_starts(void);

__asm__(".text\n"
	".macro function name\n"
	"	.balign 16\n"
	"	.globl \\name\n"
	"	.type \\name, @function\n"
	"	\\name:\n"
	".endm\n"
	".macro child_here\n"	/* the parent has returned; 3 is STATUS */
	"	sub $1024, %rsp\n"
	"	mov %rsp, %rdi\n"
	"	mov $128, %ecx\n"
	"	mov $-1, %rax\n"
	"	rep stosq\n"
	"	mov $3, %edi\n"
	"	mov $60, %eax\n"
	"	syscall\n"
	"	hlt\n"
	".endm\n"
	"function raw_clone\n"
	"	mov %rcx, %r10\n"
	"	mov $56, %eax\n"
	"	syscall\n"
	"	cmp $-4095, %rax\n"
	"	ret\n"			/* the child too: to what is on its own stack */
	"function raw_clone3\n"
	"	mov $435, %eax\n"
	"	syscall\n"
	"	ret\n"
	"function any_call\n"
	"	mov %rdi, %rax\n"
	"	mov %rsi, %rdi\n"
	"	mov %rdx, %rsi\n"
	"	mov %rcx, %rdx\n"
	"	mov %r8, %r10\n"
	"	mov %r9, %r8\n"
	"	syscall\n"
	"	cmp $-4095, %rax\n"
	"	ret\n"
	"function raw_clone_here\n"
	"	xor %esi, %esi\n"
	"	mov $56, %eax\n"
	"	syscall\n"
	"	test %rax, %rax\n"
	"	jz 1f\n"
	"	ret\n"
	"1:	child_here\n"
	"function raw_vfork_here\n"
	"	mov $58, %eax\n"
	"	syscall\n"
	"	test %rax, %rax\n"
	"	jz 1f\n"
	"	ret\n"
	"1:	child_here\n"
	"function any_clone_here\n"
	"	mov %rdx, %rax\n"
	"	syscall\n"
	"	test %rax, %rax\n"
	"	jz 1f\n"
	"	ret\n"
	"1:	child_here\n"
	"function child_starts\n"
	"	xor %ebp, %ebp\n"
	"	pop %rax\n"
	"	pop %rdi\n"
	"	call *%rax\n"
	"	mov %eax, %edi\n"
	"	mov $60, %eax\n"
	"	syscall\n"
	"	hlt\n");

static struct made {	/* shared with children that have no part in the memory */
	long raw, any, libc, vfork, clone3, any_clone3, calls, wrong;
} *made;

struct child {
	_Alignas(16) uintptr_t stack[STACK_WORDS];
	uintptr_t tls[512];
	int tid;
};
static struct child children[CHILDREN];

static int run(void *arg)
{
	struct child *c = arg;
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	if (here < (uintptr_t)c->stack || here >= (uintptr_t)(c->stack + STACK_WORDS))
		__atomic_fetch_add(&made->wrong, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < CALLS; i++) {
		long p = getppid(), r = 110;

		__asm__ volatile("mov $110, %%eax\n\tsyscall\n\ttest %%eax, %%eax\n\tnop" : "=a"(r) : : "rcx", "r11", "memory");
		__atomic_fetch_add(&made->wrong, p != r, __ATOMIC_RELAXED);
		__atomic_fetch_add(&made->calls, 2, __ATOMIC_RELAXED);
	}
	return STATUS;
}

/* Where a child's stack begins: it returns to child_starts(). */
static void *ready(struct child *c)
{
	uintptr_t *top = c->stack + STACK_WORDS - 3 - 1;

	top[0] = (uintptr_t)child_starts;
	top[1] = (uintptr_t)run;
	top[2] = (uintptr_t)c;
	c->tls[0] = (uintptr_t)c->tls;
	c->tid = -1;
	return top;
}

static void ended(long pid)
{
	int st = -1;

	if (pid <= 0 || waitpid((pid_t)pid, &st, __WALL) != pid || !WIFEXITED(st) || WEXITSTATUS(st) != STATUS)
		made->wrong++;
}

static void thread_ended(struct child *c)
{
	int tid;

	while ((tid = __atomic_load_n(&c->tid, __ATOMIC_ACQUIRE)))
		syscall(SYS_futex, &c->tid, FUTEX_WAIT, tid, NULL, NULL, 0);
}

static void on_the_parents_stack(void)
{
	for (int i = 0; i < CHILDREN; i++) {
		ended(raw_clone_here(LIKE_VFORK));
		ended(raw_vfork_here());
		ended(any_clone_here(LIKE_VFORK, NULL, SYS_clone));
		made->raw++;
		made->vfork++;
		made->any++;
	}
}

static void like_vfork(void)
{
	struct child *c = &children[0];

	for (int i = 0; i < CHILDREN; i++) {
		ended(raw_clone(LIKE_VFORK, ready(c), NULL, NULL, NULL));
		ended(any_call(SYS_clone, LIKE_VFORK, (long)ready(c), 0, 0, 0));
		ended(clone(run, ready(c), LIKE_VFORK, c));
		made->raw++;
		made->any++;
		made->libc++;
	}
}

static void beside(long flags)
{
	long pid[CHILDREN];

	for (int i = 0; i < CHILDREN; i++) {
		struct child *c = &children[i];

		switch (i % 3) {
		case 0: pid[i] = raw_clone(flags, ready(c), NULL, NULL, NULL); made->raw++; break;
		case 1: pid[i] = any_call(SYS_clone, flags, (long)ready(c), 0, 0, 0); made->any++; break;
		default: pid[i] = clone(run, ready(c), (int)flags, c); made->libc++; break;
		}
	}
	for (int i = 0; i < CHILDREN; i++)
		ended(pid[i]);
}

/* Without CLONE_SETTLS they have their parent's thread pointer. */
static void threads(long flags)
{
	for (int i = 0; i < CHILDREN; i++) {
		struct child *c = &children[i];
		void *stack = ready(c);

		switch (i % 3) {
		case 0: raw_clone(flags, stack, &c->tid, &c->tid, c->tls); made->raw++; break;
		case 1:
			any_call(SYS_clone, flags, (long)stack, (long)&c->tid, (long)&c->tid, (long)c->tls);
			made->any++;
			break;
		default: clone(run, stack, (int)flags, c, &c->tid, c->tls, &c->tid); made->libc++; break;
		}
	}
	for (int i = 0; i < CHILDREN; i++)
		thread_ended(&children[i]);
}

static void by_clone3(void)
{
	struct child *c = &children[0];

	for (int i = 0; i < CHILDREN; i++) {
		uint64_t args[8] = { CLONE_VM | CLONE_VFORK, 0, 0, 0, SIGCHLD, (uintptr_t)c->stack };
		long pid;

		args[6] = (uintptr_t)ready(c) - (uintptr_t)c->stack;
		pid = i % 2 ? any_call(SYS_clone3, (long)args, sizeof(args), 0, 0, 0) : raw_clone3(args, sizeof(args));
		*(i % 2 ? &made->any_clone3 : &made->clone3) += 1;
		if (pid != -ENOSYS)	/* sandboxes */
			ended(pid);
	}
}

int main(void)
{
	made = mmap(NULL, sizeof(*made), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (made == MAP_FAILED)
		return 1;
	on_the_parents_stack();
	like_vfork();
	beside(LIKE_SPAWN);
	beside(SIGCHLD);
	threads(LIKE_THREAD);
	threads(LIKE_THREAD | CLONE_SETTLS);
	by_clone3();
	printf("raw %ld any %ld libc %ld vfork %ld clone3 %ld any_clone3 %ld calls %ld wrong %ld\n", made->raw,
	       made->any, made->libc, made->vfork, made->clone3, made->any_clone3, made->calls, made->wrong);
	return 0;
}
