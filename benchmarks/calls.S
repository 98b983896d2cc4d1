/* SPDX-License-Identifier: MIT
 *
 * calls.S - getppid(): the number is there to be seen, or it is not. */
#include "entry.inc"

	.text
entry bench_syscall
	mov	$110, %eax
	syscall
	ret
endfn bench_syscall

entry bench_anycall
	mov	number(%rip), %eax
	syscall
	ret
endfn bench_anycall

	.data
	.p2align 6
number:
	.long	110

	.section .note.GNU-stack, "", @progbits
