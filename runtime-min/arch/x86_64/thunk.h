/* SPDX-License-Identifier: MIT
 *
 * thunk.h - how hook code calls the archive (assembly).
 *
 * LLVM's preserve_most on x86-64: the callee keeps every general register but rax, which
 * holds the result, and r11; parameters are those of a C call.  Vector registers are kept
 * because nothing here uses any.  The stack may be misaligned at a hook in the middle of a
 * function; the C function gets it aligned. */
#define RT_THUNK(name_)                                                \
	.section .text.bpftime_rt1_##name_, "ax", @progbits;           \
	.globl bpftime_rt1_##name_;                                    \
	.hidden bpftime_rt1_##name_, rt_##name_;                       \
	.type bpftime_rt1_##name_, @function;                          \
	.balign 16;                                                    \
bpftime_rt1_##name_:                                                   \
	push %rbp;                                                     \
	mov %rsp, %rbp;                                                \
	push %rcx;                                                     \
	push %rdx;                                                     \
	push %rsi;                                                     \
	push %rdi;                                                     \
	push %r8;                                                      \
	push %r9;                                                      \
	push %r10;                                                     \
	and $-16, %rsp;                                                \
	call rt_##name_;                                               \
	lea -56(%rbp), %rsp;                                           \
	pop %r10;                                                      \
	pop %r9;                                                       \
	pop %r8;                                                       \
	pop %rdi;                                                      \
	pop %rsi;                                                      \
	pop %rdx;                                                      \
	pop %rcx;                                                      \
	pop %rbp;                                                      \
	ret;                                                           \
	.size bpftime_rt1_##name_, . - bpftime_rt1_##name_;            \
	.section .note.GNU-stack, "", @progbits
