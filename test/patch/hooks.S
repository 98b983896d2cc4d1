/* SPDX-License-Identifier: MIT
 *
 * Hook programs by hand.  Each counts in the first map's room and leaves its arguments or its
 * frame there, so that a test can compare them with what the program really had.  They keep
 * exactly the registers that preserve_most promises: r11 and the flags come back spoiled. */
#include "objfmt.inc"


	.section .bpftime.object, "a", @progbits
object:	objfmt_object 1, maps, 15, hooks, stamp, name

	.section .bpftime.maps, "a", @progbits
maps:	objfmt_map 2, array, 4, 8, 512, 0, 0, s_map, object, 0, room, 4096

	.section .bpftime.hooks, "a", @progbits
	/* uprobe count (0), uretprobe count (1) */
hooks:	objfmt_hook 0, 0, 0, count_entry, 0, s_0, s_up, 0, 0xa0
	objfmt_hook 1, 0, 0, count_ret, 0, s_1, s_uret, 0, 0xa1
	/* natural: sum of di, count of calls (2) */
	objfmt_hook 0, 0, (1 << 14), sum_di, 0, s_2, s_up, 0, 0xa2
	/* packed, return: ax, sp, ip (3) */
	objfmt_hook 1, 1, (1 << 10 | 1 << 16 | 1 << 19), packed_ret, 0, s_3, s_uret, 0, 0xa3
	/* packed: r11, si, di, ip, sp, cookie in rdi, rsi, rdx, rcx, r8, r9 (4) */
	objfmt_hook 0, 1, (1 << 6 | 1 << 13 | 1 << 14 | 1 << 16 | 1 << 19 | 1 << 21), packed, 0, s_4, s_up, 0x1122334455667788, 0xa4
	/* the whole frame at entry (5) and at the return (6) */
	objfmt_hook 0, 2, 0x7fffff, frame, 0, s_5, s_up, 0x77, 0xa5
	objfmt_hook 1, 2, 0x7fffff, frame_ret, 0, s_6, s_uret, 0x78, 0xa6
	/* a second counter for several hooks on one site (7) */
	objfmt_hook 0, 0, 0, count_more, 0, s_7, s_up, 0, 0xa7
	/* keeps r11 as well (8) */
	objfmt_hook 0, 0, 0, count_clean, 0, s_8, s_up, 0, 0xa8
	/* packed: every other time the function does not run (9) */
	objfmt_hook 0, 1, (1 << 12 | 1 << 19), decide, 0, s_9, s_up, 0, 0xa9, 3

	/* saves registers, those that callees keep among them, has locals, a loop and seldom ways: entry (10), return
	 * with ax (11); and one more packed one, whose parameters are each other's registers (12) */
	objfmt_hook 0, 0, (1 << 13 | 1 << 14), busy, 0, s_10, s_up, 0, 0xaa
	objfmt_hook 1, 1, (1 << 10), busy_ret, 0, s_11, s_uret, 0, 0xab
	objfmt_hook 0, 1, (1 << 10 | 1 << 12 | 1 << 13 | 1 << 14), swap, 0, s_12, s_up, 0, 0xac
	/* a second whole frame (13) */
	objfmt_hook 0, 2, 0x7fffff, frame_more, 0, s_13, s_up, 0, 0xad
	/* si, di, sp and the cookie in a frame (14) */
	objfmt_hook 0, 2, (1 << 13 | 1 << 14 | 1 << 19 | 1 << 21), frame_part, 0, s_14, s_up, 0, 0xae

	.section .bpftime.stamp, "a", @progbits
stamp:	objfmt_stamp 1, 0xaa, "x86_64-pc-linux-gnu", "by hand"

	.section .bpftime.str, "a", @progbits
name:	.asciz "hooks"
s_map:	.asciz "cells"
s_up:	.asciz "uprobe"
s_uret:	.asciz "uretprobe"
s_0:	.asciz "count"
s_1:	.asciz "count_ret"
s_2:	.asciz "sum"
s_3:	.asciz "packed_ret"
s_4:	.asciz "packed"
s_5:	.asciz "frame"
s_6:	.asciz "frame_ret"
s_7:	.asciz "count_more"
s_8:	.asciz "count_clean"
s_9:	.asciz "decide"
s_10:	.asciz "busy"
s_11:	.asciz "busy_ret"
s_12:	.asciz "swap"
s_13:	.asciz "frame_more"
s_14:	.asciz "frame_part"

	.section .bpftime.room.cells, "aw", @nobits
	.balign 4096
room:	.zero 4096

	.macro prog name
	.section .text.\name, "ax", @progbits
	.type \name, @function
\name:
	.endm
	/* what preserve_most does not keep */
	.macro spoil
	mov $0x5b011ed, %r11d
	xor %r11d, %r11d
	cmp $1, %r11d
	.endm

	prog count_entry
	lock incq room(%rip)
	spoil
	ret

	prog count_ret
	lock incq room+8(%rip)
	spoil
	ret

	prog count_more
	lock incq room+16(%rip)
	spoil
	ret

	prog count_clean
	lock incq room+128(%rip)
	ret

	prog decide
	mov $1, %edx
	lock xadd %rdx, room+136(%rip)
	and $1, %edx
	mov $5, %eax
	spoil
	ret

	prog sum_di
	lock incq room+24(%rip)
	lock add %rdi, room+32(%rip)
	spoil
	ret

	prog packed_ret
	lock incq room+40(%rip)
	mov %rdi, room+48(%rip)
	mov %rsi, room+56(%rip)
	mov %rdx, room+64(%rip)
	spoil
	ret

	prog packed
	lock incq room+72(%rip)
	mov %rdi, room+80(%rip)
	mov %rsi, room+88(%rip)
	mov %rdx, room+96(%rip)
	mov %rcx, room+104(%rip)
	mov %r8, room+112(%rip)
	mov %r9, room+120(%rip)
	spoil
	ret

	.macro copy_frame at
	push %rsi
	push %rcx
	push %rax
	xor %ecx, %ecx
	lea room+\at(%rip), %rsi
1:	mov (%rdi,%rcx,8), %rax
	mov %rax, (%rsi,%rcx,8)
	inc %ecx
	cmp $23, %ecx
	jne 1b
	pop %rax
	pop %rcx
	pop %rsi
	.endm

	prog frame
	lock incq room+1024(%rip)
	copy_frame 1032
	spoil
	ret

	prog frame_part
	lock incq room+232(%rip)
	mov 104(%rdi), %r11
	mov %r11, room+240(%rip)
	mov 112(%rdi), %r11
	mov %r11, room+248(%rip)
	mov 152(%rdi), %r11
	mov %r11, room+256(%rip)
	mov 168(%rdi), %r11
	mov %r11, room+264(%rip)
	spoil
	ret

	prog frame_more
	lock incq room+3072(%rip)
	copy_frame 3080
	spoil
	ret

	prog frame_ret
	lock incq room+2048(%rip)
	copy_frame 2056
	spoil
	ret

	/* three times di, by a loop over a local; odd ones by a seldom way that comes back or leaves itself */
	.macro busy_code count
	push %rbx
	push %r12
	push %rdi
	push %rsi
	push %rdx
	push %rax
	sub $24, %rsp
	mov %rdi, 16(%rsp)
	lock incq room+\count(%rip)
	mov $3, %ebx
	xor %r12d, %r12d
1:	add 16(%rsp), %r12
	dec %ebx
	jne 1b
	lock add %r12, room+\count+8(%rip)
	test $1, %dil
	jne 2f
3:	mov $0x5b011ed, %edi
	mov %edi, %esi
	mov %rdi, %rax
	spoil
	add $24, %rsp
	pop %rax
	pop %rdx
	pop %rsi
	pop %rdi
	pop %r12
	pop %rbx
	ret
2:	lock incq room+\count+16(%rip)
	call change_dx
	test $2, %dil
	jne 3b
	mov $0x5b011ed, %esi
	spoil
	add $24, %rsp
	pop %rax
	pop %rdx
	pop %rsi
	pop %rdi
	pop %r12
	pop %rbx
	ret
	.endm

	/* called by busy, which saves rdx for that alone */
	prog change_dx
	mov $0x5b011ed, %edx
	ret

	prog busy
	busy_code 144

	prog busy_ret
	busy_code 168

	/* ax, dx, si, di in rdi, rsi, rdx, rcx */
	prog swap
	lock incq room+192(%rip)
	mov %rdi, room+200(%rip)
	mov %rsi, room+208(%rip)
	mov %rdx, room+216(%rip)
	mov %rcx, room+224(%rip)
	spoil
	ret
	.section .note.GNU-stack, "", @progbits
