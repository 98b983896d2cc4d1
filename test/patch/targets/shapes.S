/* SPDX-License-Identifier: MIT
 *
 * Functions of every shape that a patch has to cope with.  shapes.c calls each with known
 * values in all registers and prints what comes back. */
	.macro fn name
	.globl \name
	.type \name, @function
\name:	.cfi_startproc
	.endm
	.macro end name
	.cfi_endproc
	.size \name, . - \name
	.endm
	.text

	.balign 16
	fn plain_
	push %rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	mov %rsp, %rbp
	.cfi_def_cfa_register %rbp
	lea (%rdi,%rsi,2), %rax
	pop %rbp
	.cfi_def_cfa %rsp, 8
	ret
	end plain_

	.balign 16
	fn endbr_
	endbr64
	lea 7(%rdi), %rax
	add %rsi, %rax
	ret
	end endbr_

	.balign 16
	fn rip_
	mov value(%rip), %rax
	add %rdi, %rax
	addq $1, value(%rip)
	ret
	end rip_

	.balign 16
	fn rip_imm_
	cmpb $3, value(%rip)
	sete %al
	movzbl %al, %eax
	ret
	end rip_imm_

	.balign 16
	fn jcc_
	test %rdi, %rdi
	js 1f
	mov %rdi, %rax
	ret
1:	mov %rdi, %rax
	neg %rax
	ret
	end jcc_

	/* jumps over the window from its first instruction */
	.balign 16
	fn jmp_first_
	jmp 2f
1:	mov $5, %eax
	ret
	.balign 8
2:	xor %eax, %eax
	jmp 1b
	end jmp_first_

	.balign 16
	fn call_first_
	call plain_
	inc %rax
	ret
	end call_first_

	.balign 16
	fn call_second_
	sub $8, %rsp
	.cfi_def_cfa_offset 16
	call plain_
	add $8, %rsp
	.cfi_def_cfa_offset 8
	ret
	end call_second_

	/* the address behind the call is what the callee is told */
	.balign 16
	fn call_address_
	call 1f
0:	lea 0b(%rip), %rcx
	sub %rcx, %rax
	xor %ecx, %ecx
	ret
1:	mov (%rsp), %rax
	ret
	end call_address_

	.balign 16
	fn call_indirect_
	mov %rsi, %rdx
	call *pointer(%rip)
	ret
	end call_indirect_

	.balign 16
	fn call_rsp_
	push %rax
	.cfi_def_cfa_offset 16
	lea plain_(%rip), %rax
	xchg %rax, (%rsp)
	call *(%rsp)
	pop %rcx
	.cfi_def_cfa_offset 8
	xor %ecx, %ecx
	ret
	end call_rsp_

	/* the window starts behind the first instruction: "+OFF" hooks call *(%rsp) */
	.balign 16
	fn loop_
	mov $3, %ecx
1:	loop 1b
	mov %edi, %eax
	ret
	end loop_

	.balign 16
	fn loop_first_
	loop 1f
	mov $1, %eax
	ret
1:	mov $2, %eax
	ret
	end loop_first_

	.balign 16
	fn jrcxz_
	jrcxz 1f
	mov %rcx, %rax
	ret
1:	mov $-1, %rax
	ret
	end jrcxz_

	/* one byte, and padding behind it */
	.balign 16
	fn ret_
	ret
	end ret_
	.balign 16, 0x90

	fn ret_rep_
	repz ret
	end ret_rep_
	.balign 16, 0xcc

	/* shorter than the jump, the next function follows at once */
	fn short_
	mov %edi, %eax
	ret
	end short_
	fn after_short_
	lea 1(%rdi), %eax
	ret
	end after_short_
	.balign 16, 0x90

	/* a branch into the first bytes */
	.balign 16
	fn back_
	mov %edi, %ecx
1:	dec %ecx
	jg 1b
	mov %ecx, %eax
	xor %ecx, %ecx
	ret
	end back_

	/* a branch to the very entry: fires again, as a breakpoint would */
	.balign 16
	fn again_
	sub $1, %edi
	nopl (%rax)
	jg again_
	mov %edi, %eax
	ret
	end again_

	/* flags as an argument: carry in */
	.balign 16
	fn carry_
	adc $0, %rdi
	setc %al
	movzbl %al, %eax
	add %rdi, %rax
	ret
	end carry_

	/* red zone and flags in use all the way */
	.balign 16
	fn leaf_
	mov %rdi, -8(%rsp)
	mov %rsi, -16(%rsp)
	cmp %rsi, %rdi
	mov %rdx, -128(%rsp)
	mov -8(%rsp), %rax
	lea (%rax,%rax), %rax
	setg %cl
	movzbl %cl, %ecx
	adc -16(%rsp), %rax
	mov $0x80, %r8d
	stc
	mov %r8, -24(%rsp)
	rcl $1, %rax
	add -128(%rsp), %rax
	mov $0x7f, %r9b
	add $1, %r9b
	mov %rcx, %rdx
	seto %cl
	pushfq
	.cfi_def_cfa_offset 16
	pop %r10
	.cfi_def_cfa_offset 8
	and $0x8d5, %r10
	lea (%rax,%r10), %rax
	ret
	end leaf_

	/* string instructions backwards */
	.balign 16
	fn backwards_
	lea scratch_end-1(%rip), %rdi
	lea text_end-1(%rip), %rsi
	mov $16, %ecx
	std
	lodsb
	inc %rsi
	mov %rcx, %rdx
	nop
	rep movsb
	mov %rdx, %rcx
	cld
	mov scratch(%rip), %rax
	xor scratch+8(%rip), %rax
	xor %esi, %esi
	xor %edi, %edi
	ret
	end backwards_

	/* a jump table that leads into the first bytes of a branch-free stretch */
	.balign 16
	fn table_
	and $3, %edi
	lea table(%rip), %rax
	movslq (%rax,%rdi,4), %rdi
	add %rdi, %rax
	jmp *%rax
case0:	xor %eax, %eax
case1:	inc %eax
case2:	inc %eax
case3:	movzbl %al, %eax
	xor %edi, %edi
	ret
	end table_

	/* returns its argument's high half in rdx */
	.balign 16
	fn wide_
	mov %rdi, %rax
	mul %rsi
	ret
	end wide_

	/* a tail call */
	.balign 16
	fn tail_
	lea 1(%rdi), %rdi
	jmp plain_
	end tail_

	.balign 16
	fn cpuid_
	xor %eax, %eax
	xor %r11d, %r11d
	lea 3(%r11,%r10), %rax
	ret
	end cpuid_

/* void run_shape(void *fn, uint64_t regs[17]): loads rax, rcx, rdx, rbx, rbp, rsi, rdi,
 * r8..r15 and the flags from regs, calls fn, stores them back. */
	.balign 16
	.globl run_shape
	.type run_shape, @function
run_shape:
	.cfi_startproc
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	sub $24, %rsp
	.cfi_def_cfa_offset 80
	mov %rdi, (%rsp)
	mov %rsi, 8(%rsp)
	mov %rsi, %rax
	push 120(%rax)
	popfq
	mov 8(%rax), %rcx
	mov 16(%rax), %rdx
	mov 24(%rax), %rbx
	mov 32(%rax), %rbp
	mov 40(%rax), %rsi
	mov 48(%rax), %rdi
	mov 56(%rax), %r8
	mov 64(%rax), %r9
	mov 72(%rax), %r10
	mov 80(%rax), %r11
	mov 88(%rax), %r12
	mov 96(%rax), %r13
	mov 104(%rax), %r14
	mov 112(%rax), %r15
	mov (%rax), %rax
	call *(%rsp)
	mov %rax, 16(%rsp)
	mov 8(%rsp), %rax
	pushfq
	popq 120(%rax)
	cld
	mov %rcx, 8(%rax)
	mov %rdx, 16(%rax)
	mov %rbx, 24(%rax)
	mov %rbp, 32(%rax)
	mov %rsi, 40(%rax)
	mov %rdi, 48(%rax)
	mov %r8, 56(%rax)
	mov %r9, 64(%rax)
	mov %r10, 72(%rax)
	mov %r11, 80(%rax)
	mov %r12, 88(%rax)
	mov %r13, 96(%rax)
	mov %r14, 104(%rax)
	mov %r15, 112(%rax)
	mov 16(%rsp), %rcx
	mov %rcx, (%rax)
	add $24, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	.cfi_def_cfa_offset 8
	ret
	.cfi_endproc
	.size run_shape, . - run_shape

	.section .rodata
	.balign 4
table:	.long case0 - table, case1 - table, case2 - table, case3 - table
text:	.ascii "0123456789abcdef"
text_end:
	.section .data.rel.ro.local, "aw"
	.balign 8
pointer: .quad plain_
	.data
	.balign 8
value:	.quad 0x10003
scratch: .zero 16
scratch_end:
	.section .note.GNU-stack, "", @progbits
