/* SPDX-License-Identifier: MIT
 *
 * clone.S - a thread without a libc.
 *
 * int64_t rt_clone(flags, stack, parent_tid, child_tid, tls, void (*fn)(void *arg), arg) - the
 * last one on the stack: the thread's id, or -errno.  fn does not return. */
	.section .text.rt_clone, "ax", @progbits
	.globl rt_clone
	.hidden rt_clone
	.type rt_clone, @function
rt_clone:
	mov %rcx, %r10			/* child_tid */
	mov 8(%rsp), %rcx		/* arg; the system call keeps neither rcx nor r11 */
	and $-16, %rsi
	sub $16, %rsi
	mov %r9, (%rsi)
	mov %rcx, 8(%rsi)
	mov $56, %eax
	syscall
	test %rax, %rax
	jz 1f
	ret
1:	xor %ebp, %ebp
	pop %rax
	pop %rdi
	call *%rax
	ud2
	.size rt_clone, . - rt_clone

/* void rt_exit_thread(uint64_t *lock): gives the lock back and ends the thread.  From that store
 * on another thread may be given this stack, once child_tid says that this one is gone. */
	.section .text.rt_exit_thread, "ax", @progbits
	.globl rt_exit_thread
	.hidden rt_exit_thread
	.type rt_exit_thread, @function
rt_exit_thread:
	movq $0, (%rdi)
	xor %edi, %edi
	mov $60, %eax
	syscall
	ud2
	.size rt_exit_thread, . - rt_exit_thread

/* The table of callbacks (timer.h) has a row, whatever a payload has. */
	.section bpftime_timers, "a", @progbits
	.balign 8
	.long 0, 0
	.section .note.GNU-stack, "", @progbits
