/* SPDX-License-Identifier: MIT
 *
 * entries.S - functions that differ in their first instruction, which decides what a
 * kernel uprobe costs: it emulates push, has an optimised path for the 5-byte nop, and
 * single-steps the rest.  long f(long a, const char *b)
 *
 * With unwind information, as compilers write it: without, nothing says that `pop %rbp` does not
 * take the return address, and return hooks are refused. */
	.text

.macro entry name
	.p2align 6
	.globl \name
	.type \name, @function
\name:
	.cfi_startproc
.endm

.macro endfn name
	.cfi_endproc
	.size \name, . - \name
.endm

entry bench_push
	push	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	mov	%rsp, %rbp
	movsbq	1(%rsi), %rax
	lea	(%rax,%rdi,2), %rax
	pop	%rbp
	.cfi_def_cfa_offset 8
	.cfi_restore %rbp
	ret
endfn bench_push

entry bench_nop5
	.byte	0x0f, 0x1f, 0x44, 0x00, 0x00
	movsbq	1(%rsi), %rax
	lea	(%rax,%rdi,2), %rax
	ret
endfn bench_nop5

entry bench_step
	xor	%eax, %eax
	mov	%rdi, %rdx
	movsbq	1(%rsi), %rax
	lea	(%rax,%rdx,2), %rax
	ret
endfn bench_step

	.section .note.GNU-stack, "", @progbits
