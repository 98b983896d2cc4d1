/* SPDX-License-Identifier: MIT
 *
 * host_call.S - a C call out of a hook, which has saved general registers only.
 *
 * uint64_t rt_host_call(fn, const uint64_t arg[5], uint64_t state_bytes): vector and x87 state, whatever
 * of it there is, is kept on the stack; state_bytes is what xsave needs, or 512 where there is only fxsave. */
	.section .text.rt_host_call, "ax", @progbits
	.globl rt_host_call
	.hidden rt_host_call
	.type rt_host_call, @function
rt_host_call:
	push %rbp
	mov %rsp, %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	mov %rdi, %r12
	mov %rsi, %r13
	mov %rdx, %r14
	sub %rdx, %rsp
	and $-64, %rsp
	mov %rsp, %rbx
	cmp $512, %r14
	jbe 2f
	lea 512(%rbx), %rdi		/* the header must be zeros */
	xor %eax, %eax
	mov $8, %ecx
	rep stosq
	mov $-1, %eax
	mov $-1, %edx
	xsave64 (%rbx)
	jmp 3f
2:	fxsave64 (%rbx)
3:	emms				/* a function finds the x87 registers empty */
	cld
	mov (%r13), %rdi
	mov 8(%r13), %rsi
	mov 16(%r13), %rdx
	mov 24(%r13), %rcx
	mov 32(%r13), %r8
	xor %eax, %eax
	call *%r12
	mov %rax, %r12
	cmp $512, %r14
	jbe 4f
	mov $-1, %eax
	mov $-1, %edx
	xrstor64 (%rbx)
	jmp 5f
4:	fxrstor64 (%rbx)
5:	mov %r12, %rax
	lea -32(%rbp), %rsp
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	ret
	.size rt_host_call, . - rt_host_call
	.section .note.GNU-stack, "", @progbits
