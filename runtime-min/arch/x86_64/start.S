/* SPDX-License-Identifier: MIT
 *
 * start.S - the new e_entry of an executable and DT_INIT of a shared object.
 *
 * Both initialise, then go on to what they replaced with every general register and the
 * stack as they were.  objfmt.h: entry_rel and init_rel of struct bpftime_payload. */
#include "payload_off.h"

.macro SAVE_ALL
	push %rax
	push %rcx
	push %rdx
	push %rbx
	push %rbp
	push %rsi
	push %rdi
	push %r8
	push %r9
	push %r10
	push %r11
	mov %rsp, %rbp
.endm

.macro RESTORE_ALL
	mov %rbp, %rsp
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rdi
	pop %rsi
	pop %rbp
	pop %rbx
	pop %rdx
	pop %rcx
	pop %rax
.endm

/* Jumps where a self-relative field of the payload points; the red zone holds the
 * address, so that no register is needed. */
.macro GO_ON off
	push %rax
	push %rcx
	lea bpftime_rt1_payload+\off(%rip), %rax
	movslq (%rax), %rcx
	add %rcx, %rax
	mov %rax, -8(%rsp)
	pop %rcx
	pop %rax
	jmp *-24(%rsp)
.endm

	.hidden bpftime_rt1_payload, rt_start, bpftime_rt1_start, bpftime_rt1_start_dso

/* The kernel or the dynamic linker jumps here: rsp points at argc. */
	.section .text.bpftime_rt1_start, "ax", @progbits
	.globl bpftime_rt1_start
	.type bpftime_rt1_start, @function
bpftime_rt1_start:
	endbr64
	SAVE_ALL
	lea 88(%rsp), %rdi
	and $-16, %rsp
	call rt_start
	RESTORE_ALL
	GO_ON PAYLOAD_ENTRY_REL
	.size bpftime_rt1_start, . - bpftime_rt1_start

/* The dynamic linker calls this as a function. */
	.section .text.bpftime_rt1_start_dso, "ax", @progbits
	.globl bpftime_rt1_start_dso
	.type bpftime_rt1_start_dso, @function
bpftime_rt1_start_dso:
	endbr64
	SAVE_ALL
	xor %edi, %edi
	and $-16, %rsp
	call rt_start
	RESTORE_ALL
	cmpl $0, bpftime_rt1_payload+PAYLOAD_INIT_REL(%rip)
	je 1f
	GO_ON PAYLOAD_INIT_REL
1:	ret
	.size bpftime_rt1_start_dso, . - bpftime_rt1_start_dso
	.section .note.GNU-stack, "", @progbits
