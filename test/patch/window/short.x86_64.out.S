	fn f
	jmp 1f
	ret
	end f
	fn g
	lea 1(%rdi), %eax
	ret
	end g
1:	site
	nop
