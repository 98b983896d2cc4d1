/* SPDX-License-Identifier: MIT
 *
 * copy.S - the one place where the runtime loads from addresses it was told.
 *
 * A fault between rt_copy_begin and rt_copy_end continues at rt_copy_fixup (fault.c) with
 * every register as the faulting instruction found it: rcx counts the bytes that remain. */
	.hidden rt_copy_faultable, rt_copy_begin, rt_copy_end, rt_copy_fixup, rt_sigreturn

/* uint64_t rt_copy_faultable(void *to, uint64_t from, uint64_t bytes) */
	.section .text.rt_copy_faultable, "ax", @progbits
	.globl rt_copy_faultable, rt_copy_begin, rt_copy_end, rt_copy_fixup
	.type rt_copy_faultable, @function
rt_copy_faultable:
	mov %rdx, %rcx
rt_copy_begin:
	cmp $8, %rcx
	jb 2f
1:	mov (%rsi), %rax		/* may fault; so may the next two */
	mov %rax, (%rdi)
	add $8, %rsi
	add $8, %rdi
	sub $8, %rcx
	cmp $8, %rcx
	jae 1b
2:	rep movsb
rt_copy_end:
	mov %rcx, %rax
	ret
/* A word that faulted may straddle a page: its readable bytes are copied singly, after
 * which rcx is exact.  rdx, not 0 at first, says that this was not yet done. */
rt_copy_fixup:
	test %rdx, %rdx
	jz 3f
	cmp $8, %rcx
	jb 3f
	xor %edx, %edx
	jmp 2b
3:	mov %rcx, %rax
	ret
	.size rt_copy_faultable, . - rt_copy_faultable

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
