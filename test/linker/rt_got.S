/* SPDX-License-Identifier: MIT
 *
 * The three instructions a compiler uses a GOT for; a payload has none. */
	.section .text.bpftime_rt1_tramp_got, "ax", @progbits
	.globl bpftime_rt1_tramp_got
bpftime_rt1_tramp_got:
	mov rt_two@GOTPCREL(%rip), %r9
	call *rt_twice@GOTPCREL(%rip)
	add (%r9), %rax
	mov %rax, %rdi
	jmp *rt_twice@GOTPCREL(%rip)

	.section .text.rt_twice, "ax", @progbits
	.globl rt_twice
rt_twice:
	lea (%rdi,%rdi), %rax
	ret

	.section .rodata.rt_two, "a", @progbits
	.globl rt_two
	.balign 8
rt_two:	.quad 2
	.section .note.GNU-stack, "", @progbits
