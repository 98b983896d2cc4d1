/* SPDX-License-Identifier: MIT
 *
 * copy.S - the archive's loads from addresses it was told.  Where one between 1 and 5 faults (fault.h), rcx
 * words and r8 bytes remain to be copied, from rsi to rdi. */
	.hidden rt_copy_faultable, rt_sigreturn

/* uint64_t rt_copy_faultable(void *to, uint64_t from, uint64_t bytes) */
	.section .text.rt_copy_faultable, "ax", @progbits
	.globl rt_copy_faultable
	.type rt_copy_faultable, @function
rt_copy_faultable:
	mov %rdx, %rcx
	mov %edx, %r8d
	and $7, %r8d
	shr $3, %rcx
	jz 4f
1:	mov -8(%rsi,%rdx), %r9		/* the last word, which overlaps the one before; loaded first: `to` may, too */
	cmp $24, %rcx			/* the string instruction takes long to start */
	jb 2f
	rep movsq
	jmp 3f
2:	mov (%rsi), %rax
	mov %rax, (%rdi)
	add $8, %rsi
	add $8, %rdi
	dec %rcx
	jnz 2b
3:	mov %r9, -8(%rdi,%r8)
	xor %eax, %eax
	ret
4:	test %r8d, %r8d
	jz 5f
	mov (%rsi), %al
	mov %al, (%rdi)
	inc %rsi
	inc %rdi
	dec %r8d
	jmp 4b
5:	xor %eax, %eax
	ret
/* The word may straddle a page: its readable bytes are copied singly, after which rcx is exact. */
6:	lea (%r8,%rcx,8), %rcx
7:	rep movsb
8:	mov %rcx, %rax
	ret
	.size rt_copy_faultable, . - rt_copy_faultable

	.section bpftime_guarded, "a", @progbits
	.balign 4
	.long 1b - ., 5b - ., 6b - .
	.long 7b - ., 8b - ., 8b - .

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
