/* SPDX-License-Identifier: MIT
 *
 * entries.S - functions that differ in their first instruction, which decides what a
 * kernel uprobe costs: it emulates push, has an optimised path for the 5-byte nop, and
 * single-steps the rest.  long f(long a, const char *b).  They do next to nothing; one more is there that does
 * something.  Each is there three times: bare, and with a plain and an atomic counter written into it by hand.
 *
 * With unwind information, as compilers write it: without, nothing says that `pop %rbp` does not
 * take the return address, and return hooks are refused. */
#include "entry.inc"

	.text

/* As compilers begin and end a function that keeps a frame pointer. */
.macro enter_frame
	push	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	mov	%rsp, %rbp
.endm

.macro leave_frame
	pop	%rbp
	.cfi_def_cfa_offset 8
	.cfi_restore %rbp
	ret
.endm

.macro push_function name, work:vararg
entry \name
	\work
	enter_frame
	movsbq	1(%rsi), %rax
	lea	(%rax,%rdi,2), %rax
	leave_frame
endfn \name
.endm

.macro nop5_function name, work:vararg
entry \name
	\work
	.byte	0x0f, 0x1f, 0x44, 0x00, 0x00
	movsbq	1(%rsi), %rax
	lea	(%rax,%rdi,2), %rax
	ret
endfn \name
.endm

.macro step_function name, work:vararg
entry \name
	\work
	xor	%eax, %eax
	mov	%rdi, %rdx
	movsbq	1(%rsi), %rax
	lea	(%rax,%rdx,2), %rax
	ret
endfn \name
.endm

/* With something to do: a hash (FNV-1a) of the text. */
.macro work_function name, work:vararg
entry \name
	\work
	enter_frame
	movabs	$0xcbf29ce484222325, %rax
	movabs	$0x100000001b3, %rcx
	jmp	2f
1:	xor	%rdx, %rax
	imul	%rcx, %rax
	inc	%rsi
2:	movzbl	(%rsi), %edx
	test	%edx, %edx
	jne	1b
	add	%rdi, %rax
	leave_frame
endfn \name
.endm

.irp kind, push, nop5, step, work
	\kind\()_function bench_\kind
	\kind\()_function bench_\kind\()_counter, incq by_hand(%rip)
	\kind\()_function bench_\kind\()_atomic, lock incq by_hand(%rip)
.endr

/* A statically defined probe, as <sys/sdt.h> writes it: bench:hit, one argument. */
entry bench_usdt
1:	nop
	movsbq	1(%rsi), %rax
	lea	(%rax,%rdi,2), %rax
	ret
endfn bench_usdt

	.pushsection .note.stapsdt, "", "note"
	.balign	4
	.long	3f - 2f, 5f - 4f, 3
2:	.asciz	"stapsdt"
3:	.balign	4
4:	.quad	1b, _.stapsdt.base, 0
	.asciz	"bench"
	.asciz	"hit"
	.asciz	"8@%rdi"
5:	.balign	4
	.popsection
	.pushsection .stapsdt.base, "aG", "progbits", .stapsdt.base, comdat
	.weak	_.stapsdt.base
	.hidden	_.stapsdt.base
_.stapsdt.base:
	.space	1
	.size	_.stapsdt.base, 1
	.popsection

	.data
	.p2align 6
by_hand:
	.quad	0
	.p2align 6

	.section .note.GNU-stack, "", @progbits
