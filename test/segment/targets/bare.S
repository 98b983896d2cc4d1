/* SPDX-License-Identifier: MIT
 * No libc, no notes: writes a line and exits. */
	.globl _start
_start:
	mov $1, %eax
	mov $1, %edi
	lea text(%rip), %rsi
	mov $5, %edx
	syscall
	mov $60, %eax
	xor %edi, %edi
	syscall
	.section .rodata
text:	.ascii "bare\n"
	.section .note.GNU-stack,"",@progbits
