/* SPDX-License-Identifier: MIT
 *
 * A program that calls what its context points at, from a frame of its own; between two
 * functions with unwind information, one of them not needed. */
#include "objfmt.inc"

	.section .bpftime.object, "a", @progbits
object:	objfmt_object 0, 0, 1, hooks, stamp, name
	.section .bpftime.hooks, "a", @progbits
hooks:	objfmt_hook 9, 2, 0, 0, call_ctx, s_prog, s_sec, 0, 0xc1
	.section .bpftime.stamp, "a", @progbits
stamp:	objfmt_stamp 1, 0xcc, "x86_64", "by hand"
	.section .bpftime.str, "a", @progbits
name:	.asciz "hook_c"
s_prog:	.asciz "call_ctx"
s_sec:	.asciz "vm"

	.section .text.before, "ax", @progbits
before:	.cfi_startproc
	push %rbx
	.cfi_adjust_cfa_offset 8
	pop %rbx
	.cfi_adjust_cfa_offset -8
	ret
	.cfi_endproc

	.section .text.call_ctx, "ax", @progbits
	.type call_ctx, @function
call_ctx:
	.cfi_startproc
	sub $24, %rsp
	.cfi_adjust_cfa_offset 24
	call *(%rdi)
	add $24, %rsp
	.cfi_adjust_cfa_offset -24
	ret
	.cfi_endproc
	.size call_ctx, . - call_ctx
	.section .note.GNU-stack, "", @progbits
