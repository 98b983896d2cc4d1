/* SPDX-License-Identifier: MIT
 *
 * A hook object by hand: one program of two forms, one map with a room, one with a slot. */
#include "objfmt.inc"

	.section .bpftime.object, "a", @progbits
object:	objfmt_object 2, maps, 2, hooks, stamp, name

	.section .bpftime.maps, "a", @progbits
maps:	objfmt_map 2, array, 4, 8, 1, 0, 0, s_calls, object, 0, room, 4096
	objfmt_map 1, hash, 4, 8, 64, 0, 0, s_starts, object, slot, 0, 0

	.section .bpftime.hooks, "a", @progbits
hooks:	objfmt_hook 0, 0, (1 << 14), entry_a, body_a, s_prog, s_sec, 7, 0xa1
	objfmt_hook 1, 2, 0, entry_ret, 0, s_prog_ret, s_sec_ret, 0, 0xa2

	.section .bpftime.stamp, "a", @progbits
stamp:	objfmt_stamp 1, 0xaa, "x86_64-pc-linux-gnu", "by hand"

	.section .bpftime.str, "a", @progbits
name:	.asciz "hook_a"
s_calls: .asciz "calls"
s_starts: .asciz "starts"
s_prog:	.asciz "count"
s_prog_ret: .asciz "count_ret"
s_sec:	.asciz "uprobe/x:y"
s_sec_ret: .asciz "uretprobe/x:y"

	.section .bpftime.slots, "aw", @progbits
	.balign 8
slot:	.quad 0

	.section .bpftime.room.calls, "aw", @nobits
	.balign 4096
room:	.zero 4096

	/* calls[0] += di * scale, the constant by way of .rodata */
	.section .text.entry_a, "ax", @progbits
	.globl entry_a
	.hidden entry_a
	.type entry_a, @function
entry_a:
	push %rax
	push %rdx
	mov scale(%rip), %rax
	imul %rdi, %rax
	lock add %rax, room(%rip)
	mov bpftime_rt1_hits@GOTPCREL(%rip), %rdx
	incq (%rdx)
	pop %rdx
	pop %rax
	ret
	.size entry_a, . - entry_a

	.section .text.body_a, "ax", @progbits
	.type body_a, @function
body_a:	.cfi_startproc
	mov room(%rip), %rax
	add (%rdi), %rax
	ret
	.cfi_endproc
	.size body_a, . - body_a

	.section .text.entry_ret, "ax", @progbits
	.type entry_ret, @function
entry_ret:
	.cfi_startproc
	call bpftime_rt1_cold@PLT
	ret
	.cfi_endproc
	.size entry_ret, . - entry_ret

	/* nothing refers to this */
	.section .text.dead, "ax", @progbits
	.globl dead
dead:	.cfi_startproc
	mov $0x11223344, %eax
	ret
	.cfi_endproc

	.section .rodata.scale, "a", @progbits
	.balign 8
scale:	.quad 3
	.section .note.GNU-stack, "", @progbits
