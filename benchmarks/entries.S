/* SPDX-License-Identifier: MIT
 *
 * entries.S - functions that differ in their first instruction, which decides what a
 * kernel uprobe costs: it emulates push, has an optimised path for the 5-byte nop, and
 * single-steps the rest.  long f(long a, const char *b) */
	.text

.macro entry name
	.p2align 6
	.globl \name
	.type \name, @function
\name:
.endm

entry bench_push
	push	%rbp
	mov	%rsp, %rbp
	movsbq	1(%rsi), %rax
	lea	(%rax,%rdi,2), %rax
	pop	%rbp
	ret
	.size bench_push, . - bench_push

entry bench_nop5
	.byte	0x0f, 0x1f, 0x44, 0x00, 0x00
	movsbq	1(%rsi), %rax
	lea	(%rax,%rdi,2), %rax
	ret
	.size bench_nop5, . - bench_nop5

entry bench_step
	xor	%eax, %eax
	mov	%rdi, %rdx
	movsbq	1(%rsi), %rax
	lea	(%rax,%rdx,2), %rax
	ret
	.size bench_step, . - bench_step

	.section .note.GNU-stack, "", @progbits
