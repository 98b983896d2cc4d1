# f: short
# Two bytes lead to padding near by, which holds the jump.
	fn f
	mov %edi, %eax
	ret
	end f
	fn g
	lea 1(%rdi), %eax
	ret
	end g
	nop
	nop
	nop
	nop
	nop
	nop
