# f: refused: a branch, table or pointer leads into the bytes of the jump
# A jump table of distances, as compilers make it for PIC.
	fn f
	xor %eax, %eax
1:	inc %eax
	inc %eax
	lea 2f(%rip), %rdx
	movslq (%rdx,%rdi,4), %rcx
	add %rdx, %rcx
	jmp *%rcx
	end f
	.section .rodata
	.balign 4
2:	.long 1b - 2b, f - 2b
	.text
