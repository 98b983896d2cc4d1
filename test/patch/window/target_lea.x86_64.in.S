# f: refused: a branch, table or pointer leads into the bytes of the jump
# An address that code takes.
	fn f
	xor %eax, %eax
1:	inc %eax
	inc %eax
	lea 1b(%rip), %rdx
	jmp *%rdx
	end f
