/* SPDX-License-Identifier: MIT
 *
 * copy.S - the archive's loads from addresses it was told.  A fault between 1 and 4 goes on at
 * 5 (fault.h), rcx counting the bytes that remain. */
	.hidden rt_copy_faultable, rt_sigreturn

/* uint64_t rt_copy_faultable(void *to, uint64_t from, uint64_t bytes) */
	.section .text.rt_copy_faultable, "ax", @progbits
	.globl rt_copy_faultable
	.type rt_copy_faultable, @function
rt_copy_faultable:
	mov %rdx, %rcx
	cmp $512, %rcx
1:	jae 3f				/* long: the string instruction is faster */
	cmp $8, %rcx
	jb 2f
0:	mov (%rsi), %rax		/* may fault; so may the next two */
	mov %rax, (%rdi)
	add $8, %rsi
	add $8, %rdi
	sub $8, %rcx
	cmp $8, %rcx
	jae 0b
2:	test %rcx, %rcx
	jz 4f
3:	rep movsb
4:	mov %rcx, %rax
	ret
/* A word that faulted may straddle a page: its readable bytes are copied singly, after
 * which rcx is exact.  rdx, not 0 at first, says that this was not yet done. */
5:	test %rdx, %rdx
	jz 4b
	cmp $8, %rcx
	jb 4b
	xor %edx, %edx
	jmp 3b
	.size rt_copy_faultable, . - rt_copy_faultable

	.section bpftime_guarded, "a", @progbits
	.balign 4
	.long 1b - ., 4b - ., 5b - .

/* Unwinders know a signal frame by these very bytes. */
	.section .text.rt_sigreturn, "ax", @progbits
	.globl rt_sigreturn
	.type rt_sigreturn, @function
	nop
rt_sigreturn:
	mov $15, %rax
	syscall
	.size rt_sigreturn, . - rt_sigreturn
	.section .note.GNU-stack, "", @progbits
